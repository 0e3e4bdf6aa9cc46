/**
 * A Piper voice (VITS; Kim et al. 2021) through ONNX Runtime: inputs `input` int64 [1, n] (ids of phonemes), its length,
 * `scales` float32 [3] (noise, length, noise of durations); output float32 [1, 1, samples]. Without noise, so that a
 * sentence always sounds the same.
 */
import { readFileSync } from "node:fs";
import type { InferenceSession } from "onnxruntime-common";
import type { Espeak } from "../../../packages/training/src/synth/sources/espeak.ts";

interface PiperConfig {
  audio: { sample_rate: number };
  espeak: { voice: string };
  phoneme_id_map: Record<string, number[]>;
}

/** Marks that a voice knows: they are read as pauses and melody. */
const MARKS = /([,.;:!?]+(?=\s|$))/;

export class Piper {
  readonly sampleRate: number;
  readonly #session: InferenceSession;
  readonly #ort: typeof import("onnxruntime-common");
  readonly #config: PiperConfig;
  readonly #espeak: Espeak;

  private constructor(
    session: InferenceSession,
    ort: typeof import("onnxruntime-common"),
    config: PiperConfig,
    espeak: Espeak,
  ) {
    this.#session = session;
    this.#ort = ort;
    this.#config = config;
    this.#espeak = espeak;
    this.sampleRate = config.audio.sample_rate;
  }

  /** The voice `file` (.onnx); its table is `file`.json. */
  static async open(file: string, espeak: Espeak): Promise<Piper> {
    const ort = await import("onnxruntime-node");
    const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3, intraOpNumThreads: 1 });
    const config = JSON.parse(readFileSync(`${file}.json`, "utf8")) as PiperConfig;
    return new Piper(session, ort as unknown as typeof import("onnxruntime-common"), config, espeak);
  }

  /** A text as mono samples at {@link sampleRate}. */
  async speak(text: string): Promise<Float32Array> {
    const ids = phonemeIds(await this.#phonemes(text), this.#config.phoneme_id_map);
    const { Tensor } = this.#ort;
    const outputs = await this.#session.run({
      input: new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]),
      input_lengths: new Tensor("int64", BigInt64Array.of(BigInt(ids.length)), [1]),
      scales: new Tensor("float32", Float32Array.of(0, 1, 0), [3]),
    });
    return Float32Array.from(outputs[this.#session.outputNames[0]!]!.data as Float32Array);
  }

  async #phonemes(text: string): Promise<string> {
    let out = "";
    for (const [i, part] of text.split(MARKS).entries()) {
      if (i % 2 === 1) out += `${part} `;
      else if (part.trim())
        out += (await this.#espeak.phonemes(part.trim(), this.#config.espeak.voice)).replaceAll("^", "");
    }
    return out.trim();
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** Ids of IPA: ^ first, each symbol followed by the pad _, $ last; symbols unknown to the voice are left out. */
export function phonemeIds(phonemes: string, map: Readonly<Record<string, number[]>>): number[] {
  const ids = [...map["^"]!, ...map._!];
  for (const symbol of phonemes.normalize("NFD")) {
    const known = map[symbol];
    if (known) ids.push(...known, ...map._!);
  }
  return [...ids, ...map.$!];
}
