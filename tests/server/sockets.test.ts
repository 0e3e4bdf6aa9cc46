/** WebSockets: both ways, against the library's own classes, and clients that do not behave. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { interleave } from "../../packages/audio/src/index.ts";
import { AudioDecoder, AudioTokenizer } from "../../packages/codec/src/index.ts";
import { type LogLine, noise, smallServer } from "./small-server.ts";

interface Message {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** A client that keeps all it hears. */
class Client {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  readonly audio: Buffer[] = [];
  readonly closed: Promise<number>;

  constructor(url: string, protocols: string[] = []) {
    this.socket = new WebSocket(url.replace("http", "ws"), protocols);
    this.socket.on("message", (data: Buffer, binary) => {
      if (binary) this.audio.push(data);
      else this.messages.push(JSON.parse(String(data)) as Message);
    });
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.socket.on("close", resolve));
  }

  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("unexpected-response", (_, response) => reject(new Error(String(response.statusCode))));
    });
  }

  send(message: object): void {
    this.socket.send(message instanceof Uint8Array ? message : JSON.stringify(message));
  }

  get error(): { code: string; message: string } | undefined {
    return this.messages.find((m) => m.type === "error")?.error as never;
  }
}

let url: string;
let log: LogLine[];
let model: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  // block-causal: live codes are those of the whole clip
  const small = await smallServer({
    tokenizer: "glm4voice",
    limits: { maxStreams: 2, idleTimeout: 1, maxStreamSeconds: 6 },
  });
  ({ url, log, model, stop } = small);
});
afterAll(() => stop());

const untilFreed = async () => {
  for (let i = 0; i < 200; i++) {
    const text = await (await fetch(`${url}/metrics`)).text();
    if (/^uat_streams 0$/m.test(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("streams stay open");
};

test("audio in, codes out as they come, equal to those of the whole clip", async () => {
  const tokenizer = await AudioTokenizer.fromPretrained(model, { device: "cpu", threads: 1 });
  // the loudest comes first, so that the features' floor stays where it is
  const samples = noise(4.3).map((x, i) => (i < 3000 ? 2 * x : x));
  const pcm = interleave([samples], "s16");
  const heard = Float32Array.from(
    { length: samples.length },
    (_, i) => new DataView(pcm.buffer).getInt16(2 * i, true) / 32_768,
  );
  const offline = (await tokenizer.encode({ samples: heard, sampleRate: 16_000 })).clips[0]!.codes;
  await tokenizer.dispose();

  const client = new Client(`${url}/v1/audio/tokens/live`, ["uat"]);
  await client.opened();
  client.send({ type: "start", sample_rate: 16_000 });
  for (let at = 0; at < pcm.length; at += 3000) client.send(pcm.subarray(at, at + 3000));
  client.send({ type: "end" });
  expect(await client.closed).toBe(1000);
  expect(client.socket.protocol).toBe("uat");
  const [ready, ...rest] = client.messages;
  expect(ready).toEqual({ type: "ready", model: "small", frame_rate: 12.5, codebook_size: 512, exact: true });
  const chunks = rest.filter((m) => m.type === "tokens");
  expect(chunks.length).toBeGreaterThanOrEqual(3);
  expect(chunks.flatMap((m) => m.codes)).toEqual([...offline]);
  const done = rest.at(-1) as Message;
  expect([done.type, done.tokens]).toEqual(["done", offline.length]);
  expect(done.duration).toBeCloseTo(4.3, 6);
});

test("codes in, audio out as it comes, equal to the library's", async () => {
  const decoder = await AudioDecoder.fromPretrained(model, { device: "cpu", threads: 1 });
  const codes = Array.from({ length: 33 }, (_, i) => (i * 17) % 512);
  const parts: number[] = [];
  for await (const part of decoder.decodeStream(codes, { blockSize: 10 })) parts.push(...part);
  await decoder.dispose();

  const client = new Client(`${url}/v1/audio/decode/live`);
  await client.opened();
  client.send({ type: "start", format: "f32", block_size: 10 });
  for (let at = 0; at < codes.length; at += 4) client.send({ type: "tokens", codes: codes.slice(at, at + 4) });
  client.send({ type: "end" });
  expect(await client.closed).toBe(1000);
  expect(client.audio.length).toBeGreaterThan(2);
  const bytes = Buffer.concat(client.audio);
  expect(Buffer.compare(bytes, Buffer.from(Float32Array.from(parts).buffer))).toBe(0);
  expect(client.messages.map((m) => m.type)).toEqual(["ready", "done"]);
  expect(client.messages[1]).toMatchObject({ tokens: 33, samples: parts.length });
});

describe("what is refused, with a message and a close code", () => {
  const start = { type: "start", sample_rate: 16_000 };
  test.each<[string, string, (object | string)[], string, number]>([
    ["no JSON", "tokens", ["start"], "malformed", 1008],
    ["audio first", "tokens", [Buffer.alloc(4)], "malformed", 1008],
    ["no rate", "tokens", [{ type: "start" }], "invalid", 1008],
    ["a rate of nothing", "tokens", [{ ...start, sample_rate: 1 }], "invalid", 1008],
    ["another model", "tokens", [{ ...start, model: "x" }], "invalid", 1008],
    ["half a sample", "tokens", [start, Buffer.alloc(3)], "invalid", 1008],
    ["an unknown message", "tokens", [start, { type: "go" }], "invalid", 1008],
    ["samples that are not finite", "tokens", [{ ...start, format: "f32" }, Buffer.alloc(4, 0xff)], "invalid", 1008],
    ["too much audio", "tokens", [start, Buffer.alloc(200_000)], "too_large", 1009],
    ["codes past the codebook", "decode", [{ type: "start" }, { type: "tokens", codes: [512] }], "invalid", 1008],
    ["no codes at all", "decode", [{ type: "start" }, { type: "end" }], "invalid", 1008],
    [
      "too many codes",
      "decode",
      [{ type: "start" }, { type: "tokens", codes: new Array(80).fill(1) }],
      "too_large",
      1009,
    ],
    ["silence", "tokens", [start], "timeout", 1008],
    ["nothing", "tokens", [], "timeout", 1008],
  ])("%s", async (_, kind, messages, code, close) => {
    const client = new Client(`${url}/v1/audio/${kind}/live`);
    await client.opened();
    for (const message of messages)
      client.socket.send(
        typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message),
      );
    expect(await client.closed).toBe(close);
    expect(client.error?.code).toBe(code);
    expect(client.error?.message).toMatch(/^[^\n]{5,300}$/);
  });

  test("a message that is too long, and frames that are none", async () => {
    const long = new Client(`${url}/v1/audio/tokens/live`);
    await long.opened();
    long.socket.send(Buffer.alloc((4 << 20) + 1));
    expect(await long.closed).toBe(1009);
    const broken = new Client(`${url}/v1/audio/tokens/live`);
    await broken.opened();
    // a reserved opcode, unmasked
    (broken.socket as unknown as { _socket: { write(b: Buffer): void } })._socket.write(Buffer.from([0x8b, 0x00]));
    expect([1002, 1006]).toContain(await broken.closed);
  });

  test("other paths, other pages and streams past the limit", async () => {
    await expect(new Client(`${url}/v1/audio/none`).opened()).rejects.toThrow("404");
    const foreign = new WebSocket(`${url.replace("http", "ws")}/v1/audio/tokens/live`, {
      origin: "https://evil.example",
    });
    const status = await new Promise((resolve) => foreign.on("unexpected-response", (_, r) => resolve(r.statusCode)));
    expect(status).toBe(403);
    foreign.on("error", () => undefined);
    foreign.terminate();
    await untilFreed();
    const open = await Promise.all(
      [1, 2].map(async () => {
        const client = new Client(`${url}/v1/audio/tokens/live`);
        await client.opened();
        client.send(start);
        while (client.messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        return client;
      }),
    );
    const third = new Client(`${url}/v1/audio/tokens/live`);
    await third.opened();
    third.send(start);
    expect(await third.closed).toBe(1013);
    expect(third.error?.code).toBe("overloaded");
    for (const client of open) client.socket.close();
    await untilFreed();
  });
});

test("clients that go midway leave nothing open, and the server serves on", async () => {
  for (const kind of ["tokens", "decode"]) {
    const client = new Client(`${url}/v1/audio/${kind}/live`);
    await client.opened();
    client.send({ type: "start", ...(kind === "tokens" ? { sample_rate: 16_000 } : { block_size: 6 }) });
    for (let i = 0; i < 5; i++) {
      if (kind === "tokens") client.send(Buffer.alloc(20_000));
      else client.send({ type: "tokens", codes: new Array(10).fill(i) });
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
    client.socket.terminate();
    await client.closed;
  }
  await untilFreed();
  expect(log.filter((line) => line.level === "error")).toEqual([]);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});
