/**
 * Audio shards: all clips of a data set in one file, so that the later stages read them without decoding again.
 *
 * `NAME.pcm` holds 16 kHz mono samples as little-endian int16, clip after clip. `NAME.json` is
 * `{ sampleRate, totalSamples, clips: Clip[] }`, clips in file order.
 */
import { type FileHandle, open, readFile, writeFile } from "node:fs/promises";
import type { AudioClass } from "../sources/sources.ts";

export const SHARD_SAMPLE_RATE = 16000;

export interface Clip {
  /** First sample in the .pcm file. */
  offset: number;
  /** Samples. */
  length: number;
  class: AudioClass;
  /** Name of the source in sources.json, `speech:SPEAKER`, or `made` for silence and noise. */
  source: string;
  /** Path of the file inside its source. */
  path: string;
  licence: string;
  /** What the clip is, in the words of its source: file name or description. */
  label: string;
  /** Sample rate before conversion: 8000 means that there is nothing above 4 kHz. */
  originalRate: number;
  language?: string;
  text?: string;
  /** How the clip was altered, when it was, e.g. `speed 1.12`. */
  augmentation?: string;
}

interface ShardIndex {
  sampleRate: number;
  totalSamples: number;
  clips: Clip[];
}

/** Writes a shard clip by clip; the index is written at `close`. */
export class ShardWriter {
  readonly #base: string;
  readonly #file: FileHandle;
  readonly clips: Clip[] = [];
  #samples = 0;

  private constructor(base: string, file: FileHandle) {
    this.#base = base;
    this.#file = file;
  }

  /** @param base path without extension. */
  static async create(base: string): Promise<ShardWriter> {
    return new ShardWriter(base, await open(`${base}.pcm`, "w"));
  }

  /** Goes on with a shard that was closed before. */
  static async reopen(base: string): Promise<ShardWriter> {
    const index = JSON.parse(await readFile(`${base}.json`, "utf8")) as ShardIndex;
    const writer = new ShardWriter(base, await open(`${base}.pcm`, "a"));
    writer.clips.push(...index.clips);
    writer.#samples = index.totalSamples;
    return writer;
  }

  /** Appends samples in [-1, 1]; louder ones are clipped. */
  async add(samples: Float32Array, facts: Omit<Clip, "offset" | "length">): Promise<void> {
    const pcm = Buffer.alloc(samples.length * 2);
    for (let i = 0; i < samples.length; i++) {
      pcm.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(samples[i]! * 32768))), i * 2);
    }
    await this.#file.write(pcm);
    this.clips.push({ offset: this.#samples, length: samples.length, ...facts });
    this.#samples += samples.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
    const index: ShardIndex = { sampleRate: SHARD_SAMPLE_RATE, totalSamples: this.#samples, clips: this.clips };
    const lines = index.clips.map((clip) => `    ${JSON.stringify(clip)}`).join(",\n");
    const head = `  "sampleRate": ${index.sampleRate},\n  "totalSamples": ${index.totalSamples},\n`;
    await writeFile(`${this.#base}.json`, `{\n${head}  "clips": [\n${lines}\n  ]\n}\n`);
  }
}

/** An open shard; samples are read from disk when asked for. */
export class Shard {
  readonly clips: readonly Clip[];
  readonly #file: FileHandle;

  private constructor(clips: Clip[], file: FileHandle) {
    this.clips = clips;
    this.#file = file;
  }

  /** @param base path without extension. */
  static async open(base: string): Promise<Shard> {
    const index = JSON.parse(await readFile(`${base}.json`, "utf8")) as ShardIndex;
    return new Shard(index.clips, await open(`${base}.pcm`));
  }

  /** Samples of a clip in [-1, 1) at 16 kHz. */
  async read(clip: Pick<Clip, "offset" | "length">): Promise<Float32Array> {
    const bytes = Buffer.alloc(clip.length * 2);
    await this.#file.read(bytes, 0, bytes.length, clip.offset * 2);
    return Float32Array.from({ length: clip.length }, (_, i) => bytes.readInt16LE(i * 2) / 32768);
  }

  /** Samples of several clips, one after the other. */
  async readJoined(clips: readonly Pick<Clip, "offset" | "length">[]): Promise<Float32Array> {
    const joined = new Float32Array(clips.reduce((sum, clip) => sum + clip.length, 0));
    let at = 0;
    for (const clip of clips) {
      joined.set(await this.read(clip), at);
      at += clip.length;
    }
    return joined;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Minutes of audio by class, and by class and licence. */
export function minutesOf(clips: readonly Clip[]): Record<string, number> {
  const minutes: Record<string, number> = {};
  for (const clip of clips) {
    for (const key of [clip.class, `${clip.class} ${clip.licence}`]) {
      minutes[key] = (minutes[key] ?? 0) + clip.length / SHARD_SAMPLE_RATE / 60;
    }
  }
  return minutes;
}
