import { expect, test } from "vitest";
import { ApiKeys, checkOrigins, keyOf, originHeaders, parseKeys, socketKeyOf } from "./guard.ts";

const KEY = "0123456789abcdef";

test("any of the keys opens, nothing else does, and without keys everything does", () => {
  const keys = new ApiKeys([KEY, `${KEY}-second`]);
  keys.check(KEY);
  keys.check(`${KEY}-second`);
  for (const wrong of [undefined, "", KEY.slice(1), `${KEY} `, KEY.toUpperCase()])
    expect(() => keys.check(wrong), String(wrong)).toThrow("no valid API key");
  new ApiKeys([]).check(undefined);
});

test("keys that are short or cannot stand in a header are refused without being told", () => {
  for (const key of ["short", `${KEY} x`, `${KEY}\u00e9`])
    expect(() => new ApiKeys([key])).toThrow(/^an API key: expected 16 to 256/);
});

test("a file of keys has comments, blank lines and commas", () => {
  expect(parseKeys(`# ours\n\n${KEY}\r\n a , b \n#c,d\n`)).toEqual([KEY, "a", "b"]);
});

test("the key of a request", () => {
  expect(keyOf({ authorization: `Bearer ${KEY}` })).toBe(KEY);
  expect(keyOf({ authorization: `bearer  ${KEY} ` })).toBe(KEY);
  expect(keyOf({ "x-api-key": KEY })).toBe(KEY);
  expect(keyOf({ authorization: `Basic ${KEY}` })).toBe(undefined);
  expect(socketKeyOf({ "sec-websocket-protocol": `uat, uat-key.${KEY}` })).toBe(KEY);
  expect(socketKeyOf({ authorization: "Bearer other", "sec-websocket-protocol": `uat-key.${KEY}` })).toBe("other");
});

const open = { origins: [], hosts: undefined, secure: false };

test("pages: this server's own, those on the list, no others", () => {
  expect(originHeaders({ host: "a:1" }, open)).toEqual({});
  expect(originHeaders({ host: "a:1", origin: "http://a:1" }, open)).toEqual({});
  expect(() => originHeaders({ host: "a:1", origin: "https://a:1" }, open)).toThrow(
    /^origin https:\/\/a:1: not allowed/,
  );
  expect(() => originHeaders({ host: "a:1", origin: "null" }, open)).toThrow("not allowed");
  const listed = { ...open, origins: ["https://b.org"] };
  expect(originHeaders({ host: "a:1", origin: "https://b.org" }, listed)).toMatchObject({
    "access-control-allow-origin": "https://b.org",
    vary: "origin",
  });
  expect(() => originHeaders({ host: "a:1", origin: "https://b.org.evil" }, listed)).toThrow("not allowed");
  expect(originHeaders({ origin: "null" }, { ...open, origins: ["*"] })["access-control-allow-origin"]).toBe("*");
});

test("a name made to point at loopback does not open an unprotected server", () => {
  const loopback = { ...open, hosts: ["proxy.example"] };
  for (const host of ["localhost:80", "127.0.0.1:8723", "[::1]:8723", "LOCALHOST", "proxy.example"])
    expect(originHeaders({ host }, loopback)).toEqual({});
  for (const host of ["evil.org", "127.0.0.1.evil.org", "", "localhost.evil.org:80"])
    expect(() => originHeaders({ host }, loopback), host).toThrow("not a name of this server");
});

test("origins are origins", () => {
  checkOrigins(["*", "https://a.org", "http://localhost:5173"]);
  for (const origin of ["a.org", "https://a.org/", "https://a.org/x", ""])
    expect(() => checkOrigins([origin]), origin).toThrow(/^origin /);
});
