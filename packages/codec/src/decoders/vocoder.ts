/** Mel → waveform: f0 predictor and HiFT generator over tiles, with the excitation made in between. */
import { buildGraph, compile, type Program, type Runtime, Scope } from "@uat/graph";
import type { HiftConfig } from "../checkpoint/config/decoder.ts";
import { parametersOf } from "../checkpoint/parameters.ts";
import { readFloat32, type TensorStore } from "../checkpoint/tensor-store.ts";
import { TokenizerError } from "../errors.ts";
import { F0_REACH, f0Graph } from "../models/f0-predictor.ts";
import { hiftGraph, hiftReach, samplesPerFrame } from "../models/hift.ts";
import { type ExcitationDraws, excitation, type HarmonicMix } from "./excitation.ts";
import { type Mel, sliceMel } from "./mel.ts";
import { tiles } from "./tiles.ts";

/** Frames of a tile: bounds memory; smaller ones spend more on their surroundings and are no faster. */
const TILE_FRAMES = 512;
const F0_TILE_FRAMES = 1024;

export interface VocoderOptions {
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Vocoder {
  readonly config: HiftConfig;
  readonly samplesPerFrame: number;
  /** Harmonics of the excitation, the fundamental included. */
  readonly harmonics: number;
  /** Frames on either side that a sample depends on. */
  readonly reach: number;
  readonly #mix: HarmonicMix;
  readonly #f0: Program;
  readonly #generator: Program;

  private constructor(config: HiftConfig, mix: HarmonicMix, f0: Program, generator: Program) {
    this.config = config;
    this.samplesPerFrame = samplesPerFrame(config);
    this.harmonics = config.nb_harmonics + 1;
    this.reach = hiftReach(config);
    this.#mix = mix;
    this.#f0 = f0;
    this.#generator = generator;
  }

  /** @throws GraphError when the checkpoint lacks a tensor or holds another shape than the configuration says. */
  static async load(config: HiftConfig, store: TensorStore, runtime: Runtime): Promise<Vocoder> {
    const { f0, generator } = vocoderGraphs(config, store);
    const weight = await readFloat32(store, "source.l_linear.weight");
    const bias = await readFloat32(store, "source.l_linear.bias");
    if (bias.length !== 1)
      throw new TokenizerError(`tensor source.l_linear.bias has ${bias.length} values, expected 1`);
    if (weight.length !== config.nb_harmonics + 1)
      throw new TokenizerError(
        `tensor source.l_linear.weight has ${weight.length} values, the configuration asks for ${config.nb_harmonics + 1}`,
      );
    const mix = { weight, bias: bias[0] as number };
    return new Vocoder(config, mix, await compile(runtime, f0), await compile(runtime, generator));
  }

  /** Fundamental frequency [frames] in Hz. */
  async f0(mel: Mel): Promise<Float32Array> {
    const result = new Float32Array(mel.frames);
    for (const { start, end, from, to } of tiles(mel.frames, F0_TILE_FRAMES, F0_REACH)) {
      const part = sliceMel(mel, from, to);
      const { f0 } = await this.#f0.run({ mel: { data: part.data, shape: [1, mel.bins, part.frames] } });
      result.set((f0!.data as Float32Array).subarray(start - from, end - from), start);
    }
    return result;
  }

  /** Excitation [frames · samples per frame] of a pitch curve; see {@link excitation}. */
  excitation(f0: Float32Array, draws: ExcitationDraws, cycles?: Float64Array<ArrayBuffer>): Float32Array {
    return excitation(f0, this.samplesPerFrame, this.config, this.#mix, draws, cycles);
  }

  /** Waveform [frames · samples per frame] of a mel and its excitation. */
  async waveform(mel: Mel, source: Float32Array, options: VocoderOptions = {}): Promise<Float32Array> {
    const step = this.samplesPerFrame;
    const result = new Float32Array(mel.frames * step);
    for (const { start, end, from, to } of tiles(mel.frames, TILE_FRAMES, this.reach)) {
      options.signal?.throwIfAborted();
      const part = sliceMel(mel, from, to);
      const { wav } = await this.#generator.run({
        mel: { data: part.data, shape: [1, mel.bins, part.frames] },
        source: { data: source.slice(from * step, to * step), shape: [1, 1, part.frames * step] },
      });
      result.set((wav!.data as Float32Array).subarray((start - from) * step, (end - from) * step), start * step);
      options.onProgress?.(end, mel.frames);
    }
    return result;
  }

  async dispose(): Promise<void> {
    await this.#f0.dispose();
    await this.#generator.dispose();
  }
}

/** The graphs of a HiFT checkpoint: `f0` (mel → Hz) and `generator` (mel, excitation → waveform). */
export function vocoderGraphs(config: HiftConfig, store: TensorStore) {
  const source = parametersOf(store);
  return {
    f0: buildGraph("hift_f0", (g) => f0Graph(g, new Scope(g, source).at("f0_predictor"), config.f0_predictor)),
    generator: buildGraph("hift_generator", (g) => ({ wav: hiftGraph(g, new Scope(g, source), config).wav })),
  };
}
