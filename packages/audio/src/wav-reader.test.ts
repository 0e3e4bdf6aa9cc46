import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ByteSource } from "./byte-source.ts";
import { AudioError } from "./errors.ts";
import { fixture } from "./node-fixtures.ts";
import { decodeAudio, openAudio } from "./open-audio.ts";

interface Chunk {
  id: string;
  body: Uint8Array;
  size?: number;
}

/** A RIFF file of the given chunks, sizes as given or true. */
function riff(chunks: Chunk[], options: { riffSize?: number; magic?: string } = {}): Uint8Array {
  const parts: number[] = [];
  const ascii = (s: string) => [...s].map((c) => c.charCodeAt(0));
  const u32 = (n: number) => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
  for (const { id, body, size } of chunks) {
    parts.push(...ascii(id), ...u32(size ?? body.length), ...body);
    if (body.length % 2) parts.push(0);
  }
  return Uint8Array.from([
    ...ascii(options.magic ?? "RIFF"),
    ...u32(options.riffSize ?? parts.length + 4),
    ...ascii("WAVE"),
    ...parts,
  ]);
}

function fmt(tag: number, channels: number, rate: number, bits: number, extra: Uint8Array = new Uint8Array(0)): Chunk {
  const body = new Uint8Array(16 + extra.length);
  const view = new DataView(body.buffer);
  const align = (channels * bits) / 8;
  view.setUint16(0, tag, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, rate, true);
  view.setUint32(8, rate * align, true);
  view.setUint16(12, align, true);
  view.setUint16(14, bits, true);
  body.set(extra, 16);
  return { id: "fmt ", body };
}

const data = (...bytes: number[]): Chunk => ({ id: "data", body: Uint8Array.from(bytes) });
const first = async (file: Uint8Array) => [...(await decodeAudio(file)).channels[0]!];

describe("wav sample formats", () => {
  it("8-bit unsigned, 16, 24 and 32-bit signed", async () => {
    expect(await first(riff([fmt(1, 1, 8000, 8), data(0, 128, 255)]))).toEqual([-1, 0, 127 / 128]);
    expect(await first(riff([fmt(1, 1, 8000, 16), data(0, 0x80, 0xff, 0x7f)]))).toEqual([-1, 32767 / 32768]);
    expect(await first(riff([fmt(1, 1, 8000, 24), data(0, 0, 0x80, 0, 0, 0x40)]))).toEqual([-1, 0.5]);
    expect(await first(riff([fmt(1, 1, 8000, 32), data(0, 0, 0, 0x80, 0, 0, 0, 0x40)]))).toEqual([-1, 0.5]);
  });

  it("32 and 64-bit float", async () => {
    const f32 = new Uint8Array(Float32Array.of(0.25, -2).buffer);
    const f64 = new Uint8Array(Float64Array.of(0.25, -0.5).buffer);
    expect(await first(riff([fmt(3, 1, 8000, 32), { id: "data", body: f32 }]))).toEqual([0.25, -2]);
    expect(await first(riff([fmt(3, 1, 8000, 64), { id: "data", body: f64 }]))).toEqual([0.25, -0.5]);
  });

  it("mu-law and A-law, by values of ITU-T G.711", async () => {
    const mulaw = await first(riff([fmt(7, 1, 8000, 8), data(0xff, 0x7f, 0x80, 0x00, 0xf0)]));
    expect(mulaw.map((v) => v * 32768 || 0)).toEqual([0, 0, 32124, -32124, 120]);
    const alaw = await first(riff([fmt(6, 1, 8000, 8), data(0xd5, 0x55, 0xaa, 0x2a, 0x80)]));
    expect(alaw.map((v) => v * 32768)).toEqual([8, -8, 32256, -32256, 5504]);
  });

  it("WAVE_FORMAT_EXTENSIBLE takes the tag of its sub-format", async () => {
    const extra = new Uint8Array(24);
    extra[0] = 22;
    extra[8] = 3;
    const f32 = new Uint8Array(Float32Array.of(0.5).buffer);
    expect(await first(riff([fmt(0xfffe, 1, 8000, 32, extra), { id: "data", body: f32 }]))).toEqual([0.5]);
  });
});

describe("wav structure", () => {
  const pcm = fmt(1, 2, 8000, 16);

  it("skips unknown and odd-sized chunks, keeps channels apart", async () => {
    const file = riff([
      { id: "LIST", body: new Uint8Array(3) },
      pcm,
      { id: "xyz ", body: new Uint8Array(5) },
      data(0, 0x40, 0, 0xc0),
    ]);
    const { channels } = await decodeAudio(file);
    expect(channels.map((c) => [...c])).toEqual([[0.5], [-0.5]]);
  });

  it("sizes left open by streaming writers run to the end", async () => {
    for (const size of [0, 0xffffffff, 0x7fffffff, 0x7ffff000]) {
      const file = riff([pcm, { ...data(0, 0x40, 0, 0xc0, 0, 0, 0, 0), size }], {
        riffSize: size === 0 ? 0 : 0xffffffff,
      });
      expect((await decodeAudio(file)).channels[0]!.length).toBe(2);
    }
  });

  it("RF64 takes its size from ds64", async () => {
    const body = new Uint8Array(28);
    new DataView(body.buffer).setBigUint64(8, 4n, true);
    const chunks = [
      { id: "ds64", body },
      pcm,
      { ...data(0, 0x40, 0, 0xc0), size: 0xffffffff },
      { id: "junk", body: new Uint8Array(8) },
    ];
    const file = riff(chunks, { magic: "RF64", riffSize: 0xffffffff });
    expect((await decodeAudio(file)).channels[0]!.length).toBe(1);
  });

  it("zero samples give an empty clip", async () => {
    const { channels, sampleRate } = await decodeAudio(riff([pcm, data()]));
    expect([sampleRate, channels.length, channels[0]!.length]).toEqual([8000, 2, 0]);
  });

  it("a size beyond the end is an error before anything is read or allocated", async () => {
    const file = riff([pcm, { ...data(0, 0, 0, 0), size: 0xfffffff0 }]);
    await expect(openAudio(file, { name: "a.wav" })).rejects.toThrow(/a\.wav: file is truncated: the wav data chunk/);
  });

  it("refuses what no recording has, in one line", async () => {
    for (const file of [
      riff([fmt(1, 0, 8000, 16), data()]),
      riff([fmt(1, 65, 8000, 16), data()]),
      riff([fmt(1, 65535, 8000, 8), data()]),
      riff([fmt(1, 1, 0, 16), data()]),
      riff([fmt(1, 1, 0xffffffff, 16), data()]),
      riff([fmt(1, 1, 8000, 12), data()]),
      riff([fmt(85, 1, 8000, 0), data()]),
      riff([data(1, 2)]),
      riff([{ id: "fmt ", body: new Uint8Array(4) }, data()]),
      riff([pcm]),
      riff([]),
    ]) {
      const error = await decodeAudio(file).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(AudioError);
      expect((error as Error).message).not.toContain("\n");
    }
  });
});

describe("wav fuzzing", () => {
  /** Decodes and counts the bytes read, so that no file makes the reader loop. */
  async function survives(bytes: Uint8Array): Promise<void> {
    let read = 0;
    const source: ByteSource = {
      size: bytes.length,
      async read(offset, length) {
        read += Math.min(length, Math.max(0, bytes.length - offset)) + 1;
        if (read > 100 * bytes.length + 10000) throw new Error("reads without end");
        return bytes.subarray(offset, offset + length);
      },
    };
    try {
      const { channels } = await decodeAudio(source);
      const samples = channels.reduce((n, c) => n + c.length, 0);
      expect(samples).toBeLessThanOrEqual(bytes.length);
    } catch (error) {
      if (!(error instanceof AudioError)) throw error;
      expect(error.message).not.toContain("\n");
    }
  }

  const start = fixture("audio/pcm24_48k.wav").slice(0, 200);

  it("random bytes after a wav header", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (tail) =>
        survives(Uint8Array.from([...start.subarray(0, 12), ...tail])),
      ),
      { numRuns: 300 },
    );
  });

  it("random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(bytes)),
      { numRuns: 300 },
    );
  });

  it("mutated headers and truncation", async () => {
    const edits = fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(200), (changes, length) => {
        const bytes = start.slice(0, Math.max(1, length));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        return survives(bytes);
      }),
      { numRuns: 500 },
    );
  });
});
