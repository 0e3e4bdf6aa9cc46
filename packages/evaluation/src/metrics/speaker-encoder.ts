/**
 * Whose voice it is, as a vector: the speaker encoder of L. Wan et al., "Generalized end-to-end loss for speaker
 * verification" (ICASSP 2018) with the weights of the PyPI package `resemblyzer` (Apache-2.0), and its way with clips of
 * any length. Silence is not cut out and loudness is not changed: of two clips to be compared, neither is favoured.
 */
import { resample } from "@uat/audio";
import { buildGraph, compile, type Program, type Runtime, Scope, symbol, type Tensor } from "@uat/graph";
import { type ModelFiles, openTorchFile, parametersOf, type TensorStore } from "universal-audio-tokenizer/internal";
import { EvaluationError } from "../errors.ts";
import { type LstmState, lstmLayer } from "./lstm.ts";
import { powerMel } from "./power-mel.ts";

/** File of the package, below the folder it is installed in. */
export const SPEAKER_ENCODER_FILE = "resemblyzer/pretrained.pt";

const RATE = 16000;
const HOP = 160;
const MELS = 40;
/** Frames of a partial clip (1.6 s). */
const PARTIAL_FRAMES = 160;
/** Frames between partial clips: 1.3 of them a second. */
const PARTIAL_STEP = 77;
/** A last partial clip must be covered by this share. */
const MIN_COVERAGE = 0.75;
/** Frames of one run of the program. */
const RUN_FRAMES = 16;
const LAYERS = 3;

export class SpeakerEncoder {
  readonly #program: Program;
  readonly #hidden: number;

  private constructor(program: Program, hidden: number) {
    this.#program = program;
    this.#hidden = hidden;
  }

  /** @throws CheckpointError, GraphError when the file is missing or holds something else. */
  static async load(files: ModelFiles, runtime: Runtime): Promise<SpeakerEncoder> {
    const store = await openTorchFile(await files.open(SPEAKER_ENCODER_FILE));
    try {
      return await SpeakerEncoder.fromStore(store, runtime);
    } finally {
      await store.close();
    }
  }

  /** @param store tensors `model_state.lstm.*` and `model_state.linear.*`, as the package's file has them. */
  static async fromStore(store: TensorStore, runtime: Runtime): Promise<SpeakerEncoder> {
    const hidden = store.info("model_state.lstm.weight_hh_l0")?.shape[1];
    if (hidden === undefined)
      throw new EvaluationError(
        "the speaker encoder's file has no tensor model_state.lstm.weight_hh_l0; expected resemblyzer's pretrained.pt",
      );
    const source = parametersOf(store);
    const graph = buildGraph("speaker_encoder", (g) => {
      const p = new Scope(g, source, "model_state");
      const batch = symbol("batch");
      let x = g.input("mel", [batch, RUN_FRAMES, MELS]);
      const outputs: Record<string, Tensor> = {};
      for (let n = 0; n < LAYERS; n++) {
        const before: LstmState = {
          hidden: g.input(`past_hidden.${n}`, [batch, hidden]),
          cell: g.input(`past_cell.${n}`, [batch, hidden]),
        };
        const { output, state } = lstmLayer(x, p.at("lstm"), n, before);
        outputs[`hidden.${n}`] = state.hidden;
        outputs[`cell.${n}`] = state.cell;
        x = output;
      }
      const last = outputs[`hidden.${LAYERS - 1}`] as Tensor;
      const raw = last.linear(p.tensor("linear.weight", [hidden, hidden]), p.tensor("linear.bias", [hidden])).clamp(0);
      return { ...outputs, embedding: raw.div(raw.sumSquares(1, true).sqrt().add(1e-12)) };
    });
    return new SpeakerEncoder(await compile(runtime, graph), hidden);
  }

  /**
   * The mean of the partial clips' vectors, of length 1.
   * @param samples mono in [−1, 1], at least one.
   * @param sampleRate Hz; resampled to 16 kHz.
   * @returns 256 values (the weights' hidden size), none negative.
   */
  async embed(samples: Float32Array, sampleRate: number): Promise<Float32Array> {
    if (samples.length === 0) throw new EvaluationError("a clip without samples has no speaker; expected at least one");
    const heard = sampleRate === RATE ? samples : resample(samples, sampleRate, RATE);
    const starts = partialStarts(heard.length);
    const padded = new Float32Array(Math.max(heard.length, ((starts.at(-1) as number) + PARTIAL_FRAMES) * HOP));
    padded.set(heard);
    const { data } = powerMel(padded, { sampleRate: RATE, nFft: 400, hop: HOP, mels: MELS });
    const vectors = await this.#run(data, starts);
    const mean = new Float32Array(this.#hidden);
    for (let i = 0; i < vectors.length; i++)
      mean[i % this.#hidden] = (mean[i % this.#hidden] as number) + (vectors[i] as number);
    const length = Math.hypot(...mean);
    return length > 0 ? mean.map((v) => v / length) : mean;
  }

  /** Vectors [starts, hidden] of the partial clips of mel [frames, 40]. */
  async #run(mel: Float32Array, starts: readonly number[]): Promise<Float32Array> {
    const batch = starts.length;
    let past = Object.fromEntries(
      Array.from({ length: LAYERS }, (_, n) => ["hidden", "cell"].map((kind) => `past_${kind}.${n}`))
        .flat()
        .map((name) => [name, { data: new Float32Array(batch * this.#hidden), shape: [batch, this.#hidden] }]),
    );
    let embedding = new Float32Array(0);
    for (let t = 0; t < PARTIAL_FRAMES; t += RUN_FRAMES) {
      const data = new Float32Array(batch * RUN_FRAMES * MELS);
      for (const [i, start] of starts.entries())
        data.set(mel.subarray((start + t) * MELS, (start + t + RUN_FRAMES) * MELS), i * RUN_FRAMES * MELS);
      const { embedding: vectors, ...state } = await this.#program.run({
        mel: { data, shape: [batch, RUN_FRAMES, MELS] },
        ...past,
      });
      embedding = vectors?.data as Float32Array<ArrayBuffer>;
      past = Object.fromEntries(Object.entries(state).map(([name, value]) => [`past_${name}`, value])) as typeof past;
    }
    return embedding;
  }

  async dispose(): Promise<void> {
    await this.#program.dispose();
  }
}

/** First frames of the partial clips of `n` samples. */
function partialStarts(n: number): number[] {
  const frames = Math.ceil((n + 1) / HOP);
  const starts: number[] = [];
  for (let at = 0; at < Math.max(1, frames - PARTIAL_FRAMES + PARTIAL_STEP + 1); at += PARTIAL_STEP) starts.push(at);
  const covered = (n - (starts.at(-1) as number) * HOP) / (PARTIAL_FRAMES * HOP);
  if (covered < MIN_COVERAGE && starts.length > 1) starts.pop();
  return starts;
}

/** Cosine of the angle between two vectors; NaN when one is zero. */
export function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}
