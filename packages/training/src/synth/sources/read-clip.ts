/** Decoding of clips: mono, at the scenes' rate, the first two minutes, remembered while memory allows. */
import { openAudio, speechBlocks } from "@uat/audio";
import { openFile } from "@uat/audio/node";
import { UnreadableClip } from "./source.ts";

/** Seconds read of a longer clip. */
export const LONGEST_CLIP = 120;
/** Below this peak a clip is silent. */
const SILENCE = 1e-4;
/** Bytes of decoded samples kept. */
const CACHE_BYTES = 256 << 20;

/** Mono samples (mean of channels) of an audio file in memory or on disk. @throws UnreadableClip. */
export async function decodeClip(audio: Uint8Array | string, name: string, sampleRate: number): Promise<Float32Array> {
  try {
    const file = typeof audio === "string" ? await openFile(audio) : undefined;
    try {
      const stream = await openAudio(file ?? (audio as Uint8Array), { name });
      try {
        return await collect(speechBlocks(stream, { sampleRate, channel: "mean", name }), LONGEST_CLIP * sampleRate);
      } finally {
        stream.close();
      }
    } finally {
      await file?.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnreadableClip(name, reason.startsWith(`${name}: `) ? reason.slice(name.length + 2) : reason);
  }
}

async function collect(blocks: AsyncIterable<Float32Array>, most: number): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  let length = 0;
  for await (const block of blocks) {
    parts.push(block);
    length += block.length;
    if (length >= most) break;
  }
  const out = new Float32Array(Math.min(length, most));
  let at = 0;
  let loudest = 0;
  for (const part of parts) {
    out.set(part.subarray(0, out.length - at), at);
    at = Math.min(out.length, at + part.length);
  }
  for (const value of out) loudest = Math.max(loudest, Math.abs(value));
  if (loudest < SILENCE) throw new Error("is silent");
  return out;
}

/** Decoded clips by name, the least recently used forgotten first. Nobody may write into what it gives. */
export class ClipCache {
  readonly #kept = new Map<string, Float32Array>();
  #bytes = 0;

  async get(name: string, decode: () => Promise<Float32Array>): Promise<Float32Array> {
    const known = this.#kept.get(name);
    const samples = known ?? (await decode());
    if (known) this.#kept.delete(name);
    else this.#bytes += samples.byteLength;
    this.#kept.set(name, samples);
    for (const [oldest, { byteLength }] of this.#kept) {
      if (this.#bytes <= CACHE_BYTES || this.#kept.size === 1) break;
      this.#kept.delete(oldest);
      this.#bytes -= byteLength;
    }
    return samples;
  }
}
