import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blobSource, httpSource, memorySource } from "./byte-source.ts";
import { memoryFiles, readJson, urlFiles } from "./model-files.ts";
import { directoryFiles, fileSource } from "./node/file-source.ts";
import { writeError } from "./node/hub-cache.ts";

const content = Uint8Array.from({ length: 100 }, (_, i) => i);
const seen: (string | undefined)[] = [];
const server = createServer((request, response) => {
  seen.push(request.headers.range);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  if (request.url === "/a%20b/missing") response.writeHead(404).end();
  else if (request.url === "/a%20b/whole" || !from) response.end(content);
  else {
    const part = content.subarray(Number(from), Number(to) + 1);
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/${content.length}` }).end(part);
  }
});
let base: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a%20b/`;
});
afterAll(() => void server.close());

describe("every source reads ranges and refuses those outside", () => {
  test.each([
    ["memory", async () => memorySource(content)],
    ["a blob", async () => blobSource(new Blob([content]))],
    ["a server with ranges", () => httpSource(`${base}ranges`)],
    ["a server without", () => httpSource(`${base}whole`)],
  ])("%s", async (_, open) => {
    const source = await open();
    expect(source.size).toBe(100);
    expect([...(await source.read(10, 3))]).toEqual([10, 11, 12]);
    expect((await source.read(100, 0)).length).toBe(0);
    for (const [offset, length] of [
      [98, 3],
      [-1, 1],
      [0, 1e12],
      [0.5, 1],
      [Number.NaN, 1],
    ] as const)
      await expect(source.read(offset, length)).rejects.toMatchObject({ isInputError: true });
    await source.close();
  });
  test("a server with ranges is asked for no more than needed", () => expect(seen).toContain("bytes=10-12"));
});

test("files below a URL", async () => {
  const files = urlFiles(base.slice(0, -1));
  expect(await files.exists("whole")).toBe(true);
  expect(await files.exists("missing")).toBe(false);
  await expect(files.open("missing")).rejects.toThrow("the server answered 404");
  await expect(httpSource("http://127.0.0.1:1/x")).rejects.toThrow("cannot be reached");
});

test("files on disk and in memory", async () => {
  const folder = mkdtempSync(join(tmpdir(), "files-"));
  await expect(directoryFiles(folder).open("x")).rejects.toThrow("no such file");
  await expect(fileSource(folder)).rejects.toMatchObject({ isInputError: true });
  expect(await directoryFiles(folder).exists(".")).toBe(false);
  rmSync(folder, { recursive: true });
  const files = memoryFiles({ "a.json": "{nope", b: Uint8Array.of(255) });
  await expect(readJson(files, "a.json")).rejects.toThrow("a.json: is not valid JSON");
  await expect(files.text("b")).rejects.toThrow("is not UTF-8");
  await expect(files.open("toString")).rejects.toThrow("has no file toString");
});

test("a full disk has a line of its own", () =>
  expect(writeError("x", Object.assign(new Error("x"), { code: "ENOSPC" })).message).toBe(
    "x: the disk is full; free some space, or point HF_HOME to another disk",
  ));
