import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ByteSource } from "../../checkpoint/byte-source.ts";
import type { HubProgress } from "../../checkpoint/hub-progress.ts";
import { downloadedFiles, inBlocks } from "./downloads.ts";

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251);
let version: string | undefined;
let brokenOff = false;
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  if (request.url !== "/m/model.safetensors") return void response.writeHead(404).end();
  response.writeHead(200, { "content-length": content.length, ...(version && { etag: version }) });
  if (request.method === "HEAD") response.end();
  else if (brokenOff) response.write(content.subarray(0, 1000), () => response.destroy());
  else response.end(content);
});
let base: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`;
});
afterAll(() => void server.close());
beforeEach(() => {
  asked.length = 0;
  version = '"one"';
  brokenOff = false;
});

/** What of a browser's Cache is used: answers by address. */
function memoryCache() {
  const kept = new Map<string, Response>();
  return {
    kept,
    match: async (url: string) => kept.get(url)?.clone(),
    put: async (url: string, response: Response) => void kept.set(url, response),
    keys: async () => [...kept.keys()].map((url) => ({ url })),
  };
}
const files = (cache: ReturnType<typeof memoryCache> | undefined, progress?: (p: HubProgress) => void, at = base) =>
  downloadedFiles(at, { cache: Promise.resolve(cache as unknown as Cache | undefined), progress });

const first = async (source: ByteSource) => [...(await source.read(5, 3))];
const expected = [...content.subarray(5, 8)];

test("a file is fetched once, whole, and read from memory", async () => {
  const model = files(undefined);
  expect(await model.exists("model.safetensors")).toBe(true);
  const source = await model.open("model.safetensors");
  for (let i = 0; i < 20; i++) expect(await first(source)).toEqual(expected);
  expect(asked).toEqual(["HEAD /m/model.safetensors", "GET /m/model.safetensors"]);
  expect(await model.exists("missing")).toBe(false);
});

test("progress is told with the statuses of transformers.js", async () => {
  const told: HubProgress[] = [];
  await files(undefined, (p) => told.push(p)).open("model.safetensors");
  expect(told.map(({ status }) => status).filter((s, i, all) => s !== all[i - 1])).toEqual([
    "initiate",
    "download",
    "progress",
    "done",
  ]);
  const { loaded, total, progress, file } = told.filter(({ status }) => status === "progress").at(-1)!;
  expect({ loaded, total, progress, file }).toEqual({
    loaded: content.length,
    total: content.length,
    progress: 100,
    file: "model.safetensors",
  });
});

test("the next visit asks only whether it has changed", async () => {
  const cache = memoryCache();
  await files(cache).open("model.safetensors");
  asked.length = 0;
  expect(await first(await files(cache).open("model.safetensors"))).toEqual(expected);
  expect(asked).toEqual(["HEAD /m/model.safetensors"]);
  version = '"two"';
  await files(cache).open("model.safetensors");
  expect(asked.at(-1)).toBe("GET /m/model.safetensors");
  // a weakened tag names the same content
  version = 'W/"two"';
  asked.length = 0;
  await files(cache).open("model.safetensors");
  expect(asked).toEqual(["HEAD /m/model.safetensors"]);
});

test("what a server gives no name is not kept", async () => {
  version = undefined;
  const cache = memoryCache();
  await files(cache).open("model.safetensors");
  expect(cache.kept.size).toBe(0);
});

test("without a network, what was kept is used, and what was not is told", async () => {
  const cache = memoryCache();
  const gone = "http://127.0.0.1:1/m";
  await expect(files(cache, undefined, gone).exists("model.safetensors")).rejects.toThrow(
    "http://127.0.0.1:1/m/model.safetensors: cannot be reached; check the network and try again",
  );
  cache.kept.set(`${gone}/model.safetensors`, new Response(content, { headers: { "x-version": "one" } }));
  const model = files(cache, undefined, gone);
  expect(await model.exists("model.safetensors")).toBe(true);
  expect(await model.exists("decoder.safetensors")).toBe(false);
  expect(await first(await model.open("model.safetensors"))).toEqual(expected);
});

test("half a file is an error, and is not kept", async () => {
  brokenOff = true;
  const cache = memoryCache();
  await expect(files(cache).open("model.safetensors")).rejects.toMatchObject({
    isInputError: true,
    message: expect.stringMatching(/broke off/),
  });
  expect(cache.kept.size).toBe(0);
});

test("a cache that refuses is done without", async () => {
  const cache = { ...memoryCache(), put: () => Promise.reject(new Error("QuotaExceededError")) };
  expect(await first(await files(cache).open("model.safetensors"))).toEqual(expected);
});

test("neighbouring ranges of a long file are fetched together", async () => {
  const ranges: [number, number][] = [];
  const source: ByteSource = {
    size: content.length,
    name: "long",
    async read(offset, length) {
      ranges.push([offset, length]);
      return content.slice(offset, offset + length);
    },
    async close() {},
  };
  const blocks = inBlocks(source, 1000);
  // tensors one after the other, across the blocks' edges
  for (let at = 0; at + 70 <= 10_000; at += 70)
    expect(await blocks.read(at, 70)).toEqual(content.subarray(at, at + 70));
  expect(ranges).toEqual(Array.from({ length: 10 }, (_, i) => [1000 * i, 1000]));
  ranges.length = 0;
  expect(await blocks.read(150, 5000)).toEqual(content.subarray(150, 5150));
  expect(ranges).toEqual([[150, 5000]]);
  expect(await blocks.read(content.length - 10, 10)).toEqual(content.subarray(-10));
  expect((await blocks.read(content.length, 0)).length).toBe(0);
  await expect(blocks.read(content.length - 5, 10)).rejects.toMatchObject({ isInputError: true });
});
