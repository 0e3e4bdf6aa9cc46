/** Clients that break the protocol, send too much, too slowly or nothing: the server stays up and says what is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OggPages } from "../../packages/audio/src/ogg-pages.ts";
import { encodeWav } from "../../packages/codec/src/index.ts";
import { type LogLine, noise, smallServer } from "./small-server.ts";

let url: string;
let port: number;
let log: LogLine[];
let stop: () => Promise<void>;

beforeAll(async () => {
  const small = await smallServer({
    limits: { maxBytes: 200_000, maxSeconds: 20, uploadTimeout: 1, maxBufferedBytes: 600_000 },
  });
  ({ url, log, stop } = small);
  port = Number(new URL(url).port);
});
afterAll(() => stop());

/** All that comes back over a bare connection until it ends. */
function raw(write: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => write(socket));
    let text = "";
    socket.on("data", (part) => {
      text += part;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
}

const HEAD = "POST /v1/audio/tokens HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const healthy = async () => expect((await fetch(`${url}/healthz`)).status).toBe(200);
const held = async () => Number(/^uat_buffered_bytes (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

test("headers and bodies that drip in are cut with 408", async () => {
  const answers = await Promise.all([
    raw((s) => s.write("GET /healthz HTTP/1.1\r\nhost: local")),
    raw((s) => s.write(`${HEAD}content-length: 1000\r\n\r\n{`)),
    raw((s) => {
      s.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      const drip = setInterval(() => s.write("1\r\n \r\n"), 100);
      s.on("close", () => clearInterval(drip));
    }),
  ]);
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 .*"code":"timeout"/s);
  await healthy();
});

test("bodies past the limit are refused at their head, or as soon as they pass it; endless ones are cut", async () => {
  const told = await raw((s) => s.write(`${HEAD}content-length: 99999999\r\n\r\n`));
  expect(told).toMatch(/^HTTP\/1.1 413 .*"code":"too_large"/s);
  let sent = 0;
  const endless = await raw((s) => {
    s.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
    const chunk = `${(16_384).toString(16)}\r\n${" ".repeat(16_384)}\r\n`;
    const pour = setInterval(() => {
      sent += chunk.length;
      s.write(chunk);
    }, 1);
    s.on("close", () => clearInterval(pour));
  });
  expect(endless).toMatch(/^HTTP\/1.1 413 /);
  expect(sent).toBeLessThan(50e6);
  expect(await held()).toBe(0);
  await healthy();
});

test("many bodies at once share one allowance: those past it are told to come back", async () => {
  const halves = Array.from({ length: 3 }, () =>
    raw((s) => s.write(`${HEAD}content-length: 190000\r\n\r\n${" ".repeat(180_000)}`)),
  );
  for (let i = 0; (await held()) < 540_000; i++) expect(i).toBeLessThan(100);
  const response = await fetch(`${url}/v1/audio/decode`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ codes: new Array(30_000).fill(1) }) + " ".repeat(20_000),
  });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  for (const answer of await Promise.all(halves)) expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(await held()).toBe(0);
  const after = await fetch(`${url}/v1/audio/decode`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ codes: [1, 2, 3] }),
  });
  expect(after.status).toBe(200);
});

test.each([
  ["garbage", "\x16\x03\x01\x02\x00hello\r\n\r\n", 400],
  ["headers without end", `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"y".repeat(20_000)}\r\n\r\n`, 431],
  ["two lengths", `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400],
  ["length and chunks", `${HEAD}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
])("%s", async (_, bytes, status) => {
  const answer = await raw((s) => s.end(bytes));
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\\r\\n\\r\\n\\{"error":`, "s"));
  await healthy();
});

describe("files that claim or hold more than they should", () => {
  const send = async (bytes: Uint8Array) => {
    const form = new FormData();
    form.append("file", new Blob([Uint8Array.from(bytes)]));
    const response = await fetch(`${url}/v1/audio/tokens`, { method: "POST", body: form });
    return [response.status, ((await response.json()) as { error?: { code: string } }).error?.code];
  };

  test("a small file of many seconds", async () => {
    // 8-bit mono at 4 kHz: 100 s in 400 kB would be too many bytes, 40 s in 160 kB are too many seconds
    const header = encodeWav([new Float32Array(0)], 4000).slice();
    const view = new DataView(header.buffer);
    view.setUint16(32, 1, true);
    view.setUint16(34, 8, true);
    view.setUint32(28, 4000, true);
    view.setUint32(40, 160_000, true);
    view.setUint32(4, 160_036, true);
    expect(await send(Buffer.concat([header, Buffer.alloc(160_000, 128)]))).toEqual([413, "too_large"]);
  });

  test("a flac of constant blocks: a few kilobytes for an hour", async () => {
    expect(await send(constantFlac(3600))).toEqual([413, "too_large"]);
    // without a length in its header it is found out while it is decoded
    expect(await send(constantFlac(3600, 0))).toEqual([413, "too_large"]);
  });

  test("an opus file of packets of two bytes: 90 kB for an hour", async () => {
    const bytes = silentOpus(3600);
    expect(bytes.length).toBeLessThan(100_000);
    expect(await send(bytes)).toEqual([413, "too_large"]);
  });

  test("an archive, and packed bodies", async () => {
    expect(await send(gzipSync(Buffer.alloc(50e6)))).toEqual([415, "unsupported_media_type"]);
    for (const coding of ["gzip", "br", "GZIP, gzip"]) {
      const response = await fetch(`${url}/v1/audio/tokens`, {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": coding },
        body: Uint8Array.from(gzipSync(`{"audio":"${"A".repeat(50e6)}"}`)),
      });
      expect([response.status, await response.json()]).toEqual([
        415,
        { error: { code: "unsupported_media_type", message: expect.stringContaining("content-encoding") } },
      ]);
    }
    expect(await held()).toBe(0);
  });

  test.each([
    ["a rate of 4 GHz", 24, 0xee6b2800, 4],
    ["no channels", 22, 0, 2],
    ["65,535 channels", 22, 65_535, 2],
    ["samples of no bits", 34, 0, 2],
  ])("a wav file of %s", async (_, at, value, width) => {
    const wav = Buffer.from(encodeWav([noise(0.5)], 16_000));
    wav.writeUIntLE(value, at, width);
    expect(await send(wav)).toEqual([422, "invalid"]);
  });

  test("a header that claims more than there is", async () => {
    const wav = encodeWav([noise(0.5)], 16_000).slice();
    new DataView(wav.buffer).setUint32(40, 0x7fffffff, true);
    const [status] = await send(wav);
    expect([200, 413, 422]).toContain(status);
  });
});

/**
 * A flac file of silence: every frame holds 65,535 equal samples in one constant subframe (RFC 9639, 9.2.4).
 * @param declared samples the header tells; 0 is "unknown".
 */
function constantFlac(seconds: number, declared = seconds * 16_000): Buffer {
  const block = 65_535;
  const info = Buffer.alloc(38);
  info.writeUInt32BE(0x80000022, 0);
  info.writeUInt16BE(block, 4);
  info.writeUInt16BE(block, 6);
  // rate (20 bits), channels - 1 (3), bits - 1 (5), samples (36)
  const facts = (16_000n << 44n) | (0n << 41n) | (15n << 36n) | BigInt(declared);
  info.writeBigUInt64BE(facts, 14);
  const frames: Buffer[] = [];
  for (let i = 0; i < Math.ceil((seconds * 16_000) / block); i++) {
    // fixed block size from 16 bits at the header's end, rate and bits of STREAMINFO, frame number as UTF-8
    const number = i < 128 ? [i] : [0xc0 | (i >> 6), 0x80 | (i & 63)];
    const head = Buffer.from([0xff, 0xf8, 0x70, 0x00, ...number, (block - 1) >> 8, (block - 1) & 255]);
    const checked = Buffer.concat([head, Buffer.from([crc(head, 0x07, 8)]), Buffer.from([0x00, 0, 0])]);
    const tail = Buffer.alloc(2);
    tail.writeUInt16BE(crc(checked, 0x8005, 16));
    frames.push(Buffer.concat([checked, tail]));
  }
  return Buffer.concat([Buffer.from("fLaC"), info, ...frames]);
}

/** An Ogg Opus file whose packets hold 120 ms of nothing each: two empty frames of 60 ms (RFC 6716, 3.2.5). */
function silentOpus(seconds: number): Buffer {
  const pages = new OggPages(1);
  const head = Buffer.from("OpusHead\x01\x01\0\0\0\0\0\0\0\0\0", "latin1");
  const tags = Buffer.from("OpusTags\0\0\0\0\0\0\0\0", "latin1");
  const packet = Buffer.from([(3 << 3) | 3, 2]);
  const parts = [pages.page([head], 0), pages.page([tags], 0)];
  const count = seconds / 0.12;
  for (let at = 0; at < count; at += 250) {
    const packets = new Array<Buffer>(Math.min(250, count - at)).fill(packet);
    parts.push(pages.page(packets, (at + packets.length) * 5760, at + packets.length >= count));
  }
  return Buffer.concat(parts);
}

/** A cyclic redundancy check, most significant bit first, from 0. */
function crc(bytes: Uint8Array, polynomial: number, width: number): number {
  const top = 1 << (width - 1);
  const mask = top * 2 - 1;
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << (width - 8);
    for (let bit = 0; bit < 8; bit++) value = (value & top ? (value << 1) ^ polynomial : value << 1) & mask;
  }
  return value;
}

test("whatever JSON comes, the answer is one of the documented ones, in JSON of one line", async () => {
  const id = fc.oneof(fc.integer({ min: -2, max: 600 }), fc.double(), fc.string(), fc.constant(null));
  const decode = fc.record(
    {
      codes: fc.oneof(fc.array(id, { maxLength: 4 }), fc.array(fc.array(fc.array(id))), fc.jsonValue()),
      format: fc.oneof(fc.constantFrom("wav", "flac", "opus", "mp3"), fc.jsonValue()),
      encoding: fc.constantFrom("s16", "f32", "s24"),
      stream: fc.oneof(fc.boolean(), fc.string()),
      seed: fc.oneof(fc.integer(), fc.double()),
      window: fc.integer({ min: -1, max: 9 }),
      block_size: fc.integer({ min: -1, max: 9 }),
    },
    { requiredKeys: [] },
  );
  const tokens = fc.record(
    {
      audio: fc.oneof(fc.base64String(), fc.array(fc.string(), { maxLength: 3 }), fc.jsonValue()),
      channel: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const requests = fc.oneof(
    fc.tuple(
      fc.constant("decode"),
      fc.oneof(decode, fc.jsonValue()).map((v) => JSON.stringify(v)),
    ),
    fc.tuple(
      fc.constant("tokens"),
      fc.oneof(tokens, fc.jsonValue()).map((v) => JSON.stringify(v)),
    ),
    fc.tuple(fc.constantFrom("tokens", "decode"), fc.string()),
  );
  await fc.assert(
    fc.asyncProperty(requests, async ([kind, body]) => {
      const response = await fetch(`${url}/v1/audio/${kind}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      if (response.status === 200) return void (await response.arrayBuffer());
      expect([400, 413, 415, 422]).toContain(response.status);
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      expect(error.message).toMatch(/^[^\n\r]+$/);
    }),
    { numRuns: 150, seed: 20 },
  );
  await healthy();
});

test("whatever form comes, the same holds", async () => {
  const CRLF = "\r\n";
  const piece = fc.constantFrom(
    "--b",
    "--b--",
    CRLF,
    `${CRLF}${CRLF}`,
    'content-disposition: form-data; name="file"; filename="a"',
    'content-disposition: form-data; name="channel"',
    "content-disposition: form-data",
    'content-disposition: form-data; name="__proto__"',
    "content-type: audio/wav",
    "content-transfer-encoding: base64",
    "\0\xff",
    "RIFF",
  );
  const body = fc.array(fc.oneof(piece, fc.string({ maxLength: 8 })), { maxLength: 14 }).map((parts) => parts.join(""));
  const type = fc.constantFrom(
    "multipart/form-data; boundary=b",
    'multipart/form-data; boundary="b"',
    "multipart/form-data; boundary=",
    "multipart/form-data",
    `multipart/form-data; boundary=${"b".repeat(300)}`,
    "multipart/mixed; boundary=b",
  );
  await fc.assert(
    fc.asyncProperty(body, type, async (text, contentType) => {
      const response = await fetch(`${url}/v1/audio/tokens`, {
        method: "POST",
        headers: { "content-type": contentType },
        body: text,
      });
      expect([400, 413, 415, 422]).toContain(response.status);
      await response.json();
    }),
    { numRuns: 150, seed: 21 },
  );
  await healthy();
});

test("clients that do not read their answers are cut", async () => {
  const folder = mkdtempSync(join(tmpdir(), "uat-slow-reader-"));
  writeFileSync(join(folder, "large.bin"), Buffer.alloc(48 << 20));
  const quick = await smallServer({ staticFolder: folder, limits: { uploadTimeout: 1, deadline: 1 } });
  const socket = connect(Number(new URL(quick.url).port), "127.0.0.1", () =>
    socket.write("GET /large.bin HTTP/1.1\r\nhost: localhost\r\n\r\n"),
  );
  // without a listener for data nothing is read
  socket.on("error", () => undefined);
  for (let i = 0; !quick.log.some((line) => line.event === "request" && line.status === 499); i++) {
    expect(i).toBeLessThan(300);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  socket.destroy();
  await quick.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("clients that leave in the middle of what they send leave nothing behind", async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      raw((s) => {
        const type = i % 2 ? "application/json" : "multipart/form-data; boundary=b";
        const part = i % 2 ? '{"audio":"' : '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n';
        s.write(`POST /v1/audio/tokens HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n`);
        s.write(`content-length: 20000\r\n\r\n${part}${"A".repeat(5000)}`);
        setTimeout(() => (i % 3 ? s.destroy() : s.resetAndDestroy()), 50);
      }),
    ),
  );
  for (let i = 0; (await held()) > 0; i++) expect(i).toBeLessThan(100);
  await healthy();
});

test("clients that leave before the answer free their place", async () => {
  const body = JSON.stringify({ codes: new Array(300).fill(1), stream: true, block_size: 10 });
  for (let i = 0; i < 3; i++) {
    const stop = new AbortController();
    const response = await fetch(`${url}/v1/audio/decode`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: stop.signal,
    });
    await response.body?.getReader().read();
    stop.abort();
  }
  for (let i = 0; ; i++) {
    if (/^uat_streams 0$/m.test(await (await fetch(`${url}/metrics`)).text())) break;
    expect(i).toBeLessThan(100);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test("through all of this no error of our own was logged", () => {
  expect(log.filter((line) => line.level === "error" || line.status === 500)).toEqual([]);
});
