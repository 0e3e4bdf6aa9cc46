/** What the server answers, against the library's own classes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeAudio, resample } from "../../packages/audio/src/index.ts";
import { AudioDecoder, AudioTokenizer, encodeWav } from "../../packages/codec/src/index.ts";
import { UatClient, UatServerError } from "../../packages/server/src/client/client.ts";
import type { RunningServer } from "../../packages/server/src/index.ts";
import { fixture, type LogLine, noise, smallServer } from "./small-server.ts";

let url: string;
let log: LogLine[];
let client: UatClient;
let tokenizer: AudioTokenizer;
let decoder: AudioDecoder;
let stop: () => Promise<void>;

beforeAll(async () => {
  const small = await smallServer();
  ({ url, log, stop } = small);
  client = new UatClient(`${url}/`);
  tokenizer = await AudioTokenizer.fromPretrained(small.model, { device: "cpu", threads: 1 });
  decoder = await AudioDecoder.fromPretrained(small.model, { device: "cpu", threads: 1 });
});
afterAll(async () => {
  await stop();
  await tokenizer.dispose();
  await decoder.dispose();
});

const wav = (seconds: number, seed = 1, channels = 1) =>
  encodeWav(
    Array.from({ length: channels }, (_, c) => noise(seconds, seed + c)),
    16_000,
  );
const blob = (bytes: Uint8Array) => new Blob([Uint8Array.from(bytes)]);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { response, body: (await response.json()) as { error: { code: string; message: string } } };
}

describe("tokens", () => {
  test("clips as a form and as base64 have the codes they have offline, padded with -1", async () => {
    const files = [wav(1.3), readFileSync(fixture("audio/speech16k.wav")), wav(0.2, 5, 2)];
    const offline = await tokenizer.encode(files);
    const form = await client.tokensForm({ file: files.map(blob) });
    const json = await client.tokens({ audio: files.map(base64) });
    const { data, dims } = offline.audio_codes;
    for (const answer of [form, json]) {
      expect(answer.shape).toEqual(dims);
      expect(answer.audio_codes.flat(2)).toEqual([...data]);
      expect(answer.audio_codes.length).toBe(3);
      expect(answer.frame_rate).toBe(25);
      expect(answer.clips.map((c) => c.tokens)).toEqual(offline.clips.map((c) => c.codes.length));
      for (const [i, { duration }] of answer.clips.entries()) expect(duration).toBe(offline.clips[i]?.duration);
      expect(answer.timing.real_time_factor).toBeGreaterThan(0);
    }
  });

  test("the channel asked for is heard", async () => {
    const file = wav(0.5, 8, 2);
    for (const channel of [1, "mean"] as const) {
      const offline = await tokenizer.encode(file, { channel });
      expect((await client.tokens({ audio: base64(file), channel })).audio_codes[0]?.[0]).toEqual([
        ...offline.audio_codes.data,
      ]);
      const form = await client.tokensForm({ file: [blob(file)], channel: String(channel) });
      expect(form.audio_codes[0]?.[0]).toEqual([...offline.audio_codes.data]);
    }
  });

  const form = (entries: [string, Blob | string][]) => {
    const data = new FormData();
    for (const [name, value] of entries) data.append(name, value);
    return fetch(`${url}/v1/audio/tokens`, { method: "POST", body: data });
  };

  test.each<[string, () => Promise<Response>, number, string]>([
    ["an empty file", () => form([["file", new Blob([])]]), 400, "empty"],
    ["no file", () => form([["channel", "0"]]), 400, "empty"],
    ["a wav without samples", () => form([["file", blob(encodeWav([new Float32Array(0)], 16_000))]]), 400, "empty"],
    ["what is no audio", () => form([["file", new Blob(["#!/bin/sh\n"])]]), 415, "unsupported_media_type"],
    [
      "a damaged file",
      () => form([["file", blob(readFileSync(fixture("audio/speech16k.wav")).subarray(0, 40))]]),
      422,
      "invalid",
    ],
    [
      "an absent channel",
      () =>
        form([
          ["file", blob(wav(0.1))],
          ["channel", "3"],
        ]),
      422,
      "invalid",
    ],
    [
      "a channel that is none",
      () =>
        form([
          ["file", blob(wav(0.1))],
          ["channel", "left"],
        ]),
      422,
      "invalid",
    ],
    ["an unknown field", () => form([["audio", blob(wav(0.1))]]), 422, "invalid"],
    [
      "another model",
      () =>
        form([
          ["file", blob(wav(0.1))],
          ["model", "other"],
        ]),
      422,
      "invalid",
    ],
  ])("%s is refused", async (_, ask, status, code) => {
    const response = await ask();
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect([response.status, error.code]).toEqual([status, code]);
    expect(error.message).toMatch(/^[^\n]{10,300}$/);
  });

  test.each<[string, unknown, number, string]>([
    ["an empty body", "", 400, "empty"],
    ["no JSON", "{", 400, "malformed"],
    ["a list", [], 422, "invalid"],
    ["no audio", {}, 422, "invalid"],
    ["no clips", { audio: [] }, 422, "invalid"],
    ["what is no base64", { audio: "a*b=" }, 422, "invalid"],
    ["an empty clip", { audio: [""] }, 400, "empty"],
    ["an unknown field", { audio: "", sample_rate: 1 }, 422, "invalid"],
  ])("JSON with %s is refused", async (_, body, status, code) => {
    const { response, body: answer } = await post("/v1/audio/tokens", body);
    expect([response.status, answer.error.code]).toEqual([status, code]);
  });

  test("another type of body is refused", async () => {
    const { response } = await post("/v1/audio/tokens", "x", { "content-type": "audio/wav" });
    expect(response.status).toBe(415);
    const broken = await post("/v1/audio/tokens", "x", { "content-type": "multipart/form-data" });
    expect([broken.response.status, broken.body.error.code]).toEqual([400, "malformed"]);
  });
});

describe("decode", () => {
  const codes = Array.from({ length: 40 }, (_, i) => (i * 37) % 512);

  test("a whole file is that of the library, and padding at the end is none of it", async () => {
    const { waveform, sampleRate } = await decoder.decode(codes, { seed: 3 });
    for (const [given, encoding] of [
      [codes, "f32"],
      [[[[...codes, -1, -1]]], "s16"],
    ] as const) {
      const response = await client.decode({ codes: given as number[], encoding, seed: 3 });
      expect(response.headers.get("content-type")).toBe("audio/wav");
      const bytes = new Uint8Array(await response.arrayBuffer());
      expect(Buffer.compare(bytes, encodeWav([waveform], sampleRate, encoding))).toBe(0);
    }
  });

  test("a streamed file holds the library's chunks", async () => {
    const parts: Float32Array[] = [];
    for await (const part of decoder.decodeStream(codes, { blockSize: 10, window: 12 })) parts.push(part);
    const samples = Float32Array.from(parts.flatMap((p) => [...p]));
    const response = await client.decode({ codes, stream: true, block_size: 10, window: 12, encoding: "f32" });
    expect(response.headers.get("transfer-encoding")).toBe("chunked");
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.readUInt32LE(54)).toBe(0xffffffff);
    expect(Buffer.compare(bytes.subarray(58), Buffer.from(samples.buffer))).toBe(0);
  });

  /** The samples of an answer, by the readers of the library. */
  const samplesOf = async (response: Response) => decodeAudio(new Uint8Array(await response.arrayBuffer()));

  test.each([false, true])("flac holds the samples of wav (streamed: %s)", async (stream) => {
    const wav = await samplesOf(await client.decode({ codes, stream, block_size: 10 }));
    const response = await client.decode({ codes, stream, block_size: 10, format: "flac" });
    expect(response.headers.get("content-type")).toBe("audio/flac");
    expect(await samplesOf(response)).toEqual(wav);
  });

  test.each([false, true])("opus holds nearly the samples of wav (streamed: %s)", async (stream) => {
    const wav = await samplesOf(await client.decode({ codes, stream, block_size: 10 }));
    const response = await client.decode({ codes, stream, block_size: 10, format: "opus" });
    expect(response.headers.get("content-type")).toBe("audio/ogg; codecs=opus");
    const opus = await samplesOf(response);
    const wanted = resample(wav.channels[0]!, wav.sampleRate, 48_000);
    const got = opus.channels[0]!;
    expect([opus.sampleRate, got.length]).toEqual([48_000, wanted.length]);
    const energy = (a: Float32Array) => a.reduce((n, x) => n + x * x, 0);
    expect(energy(wanted.map((x, i) => x - got[i]!))).toBeLessThan(0.1 * energy(wanted));
  });

  test.each<[string, unknown, number, string]>([
    ["no codes", { codes: [] }, 400, "empty"],
    ["padding only", { codes: [-1, -1] }, 400, "empty"],
    ["codes past the codebook", { codes: [1, 512] }, 422, "invalid"],
    ["negative codes", { codes: [1, -1, 2] }, 422, "invalid"],
    ["fractions", { codes: [1.5] }, 422, "invalid"],
    ["two clips", { codes: [[[1]], [[2]]] }, 422, "invalid"],
    ["mp3", { codes: [1], format: "mp3" }, 422, "invalid"],
    ["flac in floats", { codes: [1], format: "flac", encoding: "f32" }, 422, "invalid"],
    ["opus with an encoding", { codes: [1], format: "opus", encoding: "s16" }, 422, "invalid"],
    ["a window that is too small, streamed", { codes, stream: true, window: 2 }, 422, "invalid"],
  ])("%s is refused", async (_, body, status, code) => {
    const { response, body: answer } = await post("/v1/audio/decode", body);
    expect([response.status, answer.error.code, answer.error.message]).toEqual([status, code, expect.any(String)]);
  });
});

test("models, health, readiness, metrics, the document and its page", async () => {
  const { data, limits } = await client.models();
  expect(data).toEqual([
    {
      id: "small",
      object: "model",
      codebook_size: 512,
      frame_rate: 25,
      tokenizer: { runtime: "native cpu", live_is_exact: false },
      decoder: { runtime: "native cpu", kind: "flow matching + HiFT", sample_rate: 22_050 },
    },
  ]);
  expect(limits.max_seconds).toBe(600);
  expect(await client.health()).toEqual({ healthy: true, engines: [true] });
  expect(await client.ready()).toEqual({ ready: true, waiting: 0, running: 0 });
  const metrics = await client.metrics();
  for (const name of [
    "uat_queue_seconds_bucket",
    "uat_inference_seconds_sum",
    "uat_real_time_factor_count",
    "uat_tokens_total",
  ])
    expect(metrics).toMatch(new RegExp(`^${name}\\{operation="(tokens|decode)"`, "m"));
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string; paths: object };
  expect(Object.keys(document.paths)).toContain("/v1/audio/tokens");
  const page = await fetch(`${url}/`);
  expect([page.status, page.url, page.headers.get("content-security-policy")?.slice(0, 18)]).toEqual([
    200,
    `${url}/docs`,
    "default-src 'none'",
  ]);
  expect((await fetch(`${url}/none`)).status).toBe(404);
  expect((await fetch(`${url}/v1/models`, { method: "DELETE" })).headers.get("allow")).toBe("GET");
});

test("the log tells every request by id, and nothing of the audio", async () => {
  const before = log.length;
  const response = await fetch(`${url}/v1/audio/tokens?secret=1`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ audio: base64(wav(0.2)) }),
  });
  await response.arrayBuffer();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const [line] = log.slice(before);
  expect(line).toMatchObject({
    event: "request",
    route: "/v1/audio/tokens",
    status: 200,
    clips: 1,
    audio_seconds: 0.2,
  });
  expect(line?.id).toBe(response.headers.get("x-request-id"));
  expect(JSON.stringify(log)).not.toMatch(/secret|codes":\[|small\//);
});

describe("a server with keys, a page's origin, files and small limits", () => {
  let strict: RunningServer & { url: string };
  let end: () => Promise<void>;
  let folder: string;
  const KEY = "test-key-0123456789";
  const authorization = `Bearer ${KEY}`;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "uat-static-test-"));
    mkdirSync(join(folder, "site"));
    writeFileSync(join(folder, "site", "index.html"), "<title>page</title>");
    writeFileSync(join(folder, "site", ".env"), "hidden");
    writeFileSync(join(folder, "outside.txt"), "outside");
    symlinkSync(join(folder, "outside.txt"), join(folder, "site", "link.txt"));
    const small = await smallServer({
      apiKeys: [KEY],
      corsOrigins: ["https://page.example"],
      staticFolder: join(folder, "site"),
      limits: { maxBytes: 100_000, maxSeconds: 2, maxChannels: 2, maxClips: 2, maxTokens: 50 },
    });
    strict = small.server;
    end = small.stop;
  });
  afterAll(async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  });

  test("what costs work needs a key; health does not", async () => {
    for (const path of ["/v1/models", "/metrics", "/v1/audio/tokens"])
      expect((await fetch(strict.url + path)).status, path).toBe(401);
    expect(
      (await fetch(`${strict.url}/v1/models`, { headers: { authorization: "Bearer wrong-key-0123456789" } })).status,
    ).toBe(401);
    expect((await fetch(`${strict.url}/v1/models`, { headers: { "x-api-key": KEY } })).status).toBe(200);
    for (const path of ["/healthz", "/readyz", "/openapi.json", "/docs"])
      expect((await fetch(strict.url + path)).status, path).toBe(200);
    await expect(new UatClient(strict.url).models()).rejects.toThrow(UatServerError);
    expect((await new UatClient(strict.url, { apiKey: KEY }).models()).data[0]?.id).toBe("small");
  });

  test("pages of the list may ask, others may not", async () => {
    const preflight = await fetch(`${strict.url}/v1/audio/tokens`, {
      method: "OPTIONS",
      headers: { origin: "https://page.example" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("https://page.example");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const other = await fetch(`${strict.url}/v1/models`, {
      headers: { authorization, origin: "https://other.example" },
    });
    expect([other.status, other.headers.get("access-control-allow-origin")]).toEqual([403, null]);
  });

  test("files are served, isolated, and none outside the folder or hidden", async () => {
    const page = await fetch(`${strict.url}/`);
    expect(await page.text()).toBe("<title>page</title>");
    expect(page.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    const again = await fetch(`${strict.url}/`, { headers: { "if-none-match": page.headers.get("etag")! } });
    expect(again.status).toBe(304);
    for (const path of ["/.env", "/link.txt", "/..%2foutside.txt", "/%2e%2e/outside.txt", "/index.html%00", "/%zz"])
      expect((await fetch(strict.url + path)).status, path).toBe(404);
  });

  const ask = async (path: string, body: unknown) => {
    const response = await fetch(strict.url + path, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return [response.status, ((await response.json()) as { error?: { code: string } }).error?.code];
  };

  test("limits of bytes, seconds, channels, clips and codes", async () => {
    const small = base64(wav(0.1));
    expect(await ask("/v1/audio/tokens", { audio: small })).toEqual([200, undefined]);
    expect(await ask("/v1/audio/tokens", { audio: base64(wav(7)) })).toEqual([413, "too_large"]);
    expect(await ask("/v1/audio/tokens", { audio: base64(wav(2.1)) })).toEqual([413, "too_large"]);
    expect(await ask("/v1/audio/tokens", { audio: base64(wav(0.1, 1, 3)) })).toEqual([422, "invalid"]);
    expect(await ask("/v1/audio/tokens", { audio: [small, small, small] })).toEqual([413, "too_large"]);
    expect(await ask("/v1/audio/decode", { codes: new Array(51).fill(1) })).toEqual([413, "too_large"]);
  });
});
