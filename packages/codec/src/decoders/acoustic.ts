/** Tokens → mel and pitch by the acoustic model, in pieces that bound its cost. */
import { buildGraph, compile, type Program, type Runtime, Scope } from "@uat/graph";
import type { AcousticConfig } from "../checkpoint/config/acoustic-decoder.ts";
import { parametersOf } from "../checkpoint/parameters.ts";
import type { TensorStore } from "../checkpoint/tensor-store.ts";
import { TokenizerError } from "../errors.ts";
import { acousticGraph, REFERENCE_PITCH } from "../models/acoustic-model.ts";
import { type FrameBlend, frameBlend, melFrames } from "./alignment.ts";
import { emptyMel, type Mel, sliceMel } from "./mel.ts";
import type { MelInput, MelModel } from "./mel-model.ts";
import { tiles } from "./tiles.ts";

/** Tokens of a piece, and of its surroundings: about what training shows the network at once. */
const PIECE_TOKENS = 100;
const REACH_TOKENS = 25;
/** With a chunk of a second, again what training shows; with 25, chunks came out up to 4 dB louder than in one piece. */
const STREAM_TOKENS = 75;

/** Values at every sub-frame. */
interface Subframes {
  /** [sub-frames, mels] */
  readonly mel: Float32Array;
  readonly pitch: Float32Array;
  readonly voicing: Float32Array;
}

export class AcousticModel implements MelModel {
  readonly kind = "acoustic model + HiFT";
  readonly codebookSize: number;
  readonly frameRate: number;
  readonly bins: number;
  readonly speakerSize = 0;
  readonly blockSize = undefined;
  readonly streamWindow = STREAM_TOKENS;
  readonly #config: AcousticConfig;
  readonly #program: Program;

  private constructor(config: AcousticConfig, program: Program) {
    this.codebookSize = config.vocab_size;
    this.frameRate = config.input_frame_rate;
    this.bins = config.output_size;
    this.#config = config;
    this.#program = program;
  }

  /** @throws GraphError when the checkpoint lacks a tensor or holds another shape than the configuration says. */
  static async load(config: AcousticConfig, store: TensorStore, runtime: Runtime): Promise<AcousticModel> {
    return new AcousticModel(config, await compile(runtime, acousticModelGraph(config, store)));
  }

  frames(tokens: number): number {
    return melFrames(tokens, this.frameRate);
  }

  /** Whatever a prompt says, its frames are left out: what is foretold depends on tokens alone. */
  async mel({ tokens, embedding, promptMel, onStep, signal }: MelInput): Promise<Mel> {
    if (embedding) throw new TokenizerError("this decoder takes no speaker embedding: the codes tell the voice");
    const frames = this.frames(tokens.length);
    if (frames === 0) return emptyMel(this.bins);
    const { subframes: parts, output_size: bins } = this.#config;
    const count = tokens.length * parts;
    const all: Subframes = {
      mel: new Float32Array(count * bins),
      pitch: new Float32Array(count),
      voicing: new Float32Array(count),
    };
    const pieces = tiles(tokens.length, PIECE_TOKENS, REACH_TOKENS);
    for (const [i, { start, end, from, to }] of pieces.entries()) {
      signal?.throwIfAborted();
      const seen = tokens.slice(from, to).map((id) => Math.max(0, id));
      const values = await this.#program.run({ tokens: { data: seen, shape: [seen.length] } });
      const [first, last] = [(start - from) * parts, (end - from) * parts];
      const part = (name: keyof Subframes, width: number) =>
        (values[name]!.data as Float32Array).subarray(first * width, last * width);
      all.mel.set(part("mel", bins), start * parts * bins);
      all.pitch.set(part("pitch", 1), start * parts);
      all.voicing.set(part("voicing", 1), start * parts);
      onStep?.(i + 1, pieces.length);
    }
    const blend = frameBlend(tokens.length, frames, parts, this.frameRate);
    return sliceMel(blended(all, blend, bins), promptMel?.frames ?? 0);
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}

/** Sub-frames at the times of mel frames. */
function blended({ mel, pitch, voicing }: Subframes, { lower, upper, share }: FrameBlend, bins: number): Mel {
  const frames = lower.length;
  const data = new Float32Array(bins * frames);
  const f0 = new Float32Array(frames);
  for (let t = 0; t < frames; t++) {
    const [a, b, w] = [lower[t]!, upper[t]!, share[t]!];
    const at = (values: Float32Array, i = 0, width = 1) =>
      (1 - w) * values[a * width + i]! + w * values[b * width + i]!;
    for (let m = 0; m < bins; m++) data[m * frames + t] = at(mel, m, bins);
    if (at(voicing) > 0) f0[t] = REFERENCE_PITCH * 2 ** at(pitch);
  }
  return { data, bins, frames, f0 };
}

/** The graph of an acoustic model: `tokens` int32 [N] → `mel`, `pitch` and `voicing` of every sub-frame. */
export const acousticModelGraph = (config: AcousticConfig, store: TensorStore) =>
  buildGraph("acoustic_model", (g) => acousticGraph(g, new Scope(g, parametersOf(store)), config));
