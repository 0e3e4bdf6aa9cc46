/** https and wss, with a certificate made for these tests (its key protects nothing). */
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { smallServer } from "./small-server.ts";

const file = (name: string) => readFileSync(new URL(`tls/${name}`, import.meta.url));
const cert = file("localhost.pem");

let url: string;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ url, stop } = await smallServer({ tls: { cert, key: file("localhost.key") } }));
});
afterAll(() => stop());

test("requests and WebSockets are encrypted", async () => {
  expect(url).toMatch(/^https:/);
  const status = await new Promise((resolve, reject) => {
    get(`${url}/readyz`, { ca: cert, headers: { origin: url } }, (response) => resolve(response.statusCode)).on(
      "error",
      reject,
    );
  });
  expect(status).toBe(200);
  const socket = new WebSocket(`${url.replace("https", "wss")}/v1/audio/decode/live`, { ca: cert });
  const first = new Promise<string>((resolve, reject) => {
    socket.on("open", () => socket.send(JSON.stringify({ type: "start" })));
    socket.on("message", (data) => resolve(String(data)));
    socket.on("error", reject);
  });
  expect(JSON.parse(await first)).toMatchObject({ type: "ready", model: "small" });
  socket.close();
});

test("plain HTTP at the encrypted port is cut", async () => {
  const answer = await new Promise<string>((resolve) => {
    let text = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\n\r\n"));
    socket.on("data", (part) => {
      text += part;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
  expect(answer).not.toContain("200");
});
