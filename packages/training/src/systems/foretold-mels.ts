/** Mels that a flow or an acoustic model foretells from the codes of clips: what a vocoder will hear once both are one decoder. */
import type { Runtime } from "@uat/graph";
import {
  AcousticModel,
  Flow,
  type Mel,
  type MelModel,
  memoryStore,
  TorchGenerator,
} from "universal-audio-tokenizer/internal";
import type { VocoderRun } from "../config/read-run-config.ts";
import type { Example } from "../data/example.ts";
import { TrainingError } from "../errors.ts";
import { ClipTokens } from "./clip-tokens.ts";
import { float32Tensors } from "./decoder-files.ts";
import type { DecoderStart } from "./decoder-start.ts";

/** Mel values kept, 4 bytes each: about an hour of sound. */
const KEPT_VALUES = 2 ** 25;

export class ForetoldMels {
  readonly #model: MelModel;
  readonly #tokens: ClipTokens;
  readonly #known = new Map<string, Mel>();
  #room = KEPT_VALUES;

  private constructor(model: MelModel, tokens: ClipTokens) {
    this.#model = model;
    this.#tokens = tokens;
  }

  /** @throws TrainingError when the model has no flow, or its codes are not the tokeniser's. */
  static async open(run: VocoderRun, start: DecoderStart, runtime: Runtime, file: string): Promise<ForetoldMels> {
    const half = "acoustic" in start.config ? "acoustic" : "flow";
    const weights = await start.tensors(half);
    if (!weights)
      throw new TrainingError(
        `${file}: objectives.mels is codes, but model.init has no ${half}; expected a decoder with ${half}.pt`,
      );
    const store = memoryStore(float32Tensors(weights));
    const model =
      "acoustic" in start.config
        ? await AcousticModel.load(start.config.acoustic, store, runtime)
        : await Flow.load(start.config.flow, store, runtime);
    const tokens = await ClipTokens.open(run.data, {
      vocabulary: model.codebookSize,
      rate: model.frameRate,
      threads: run.threads ?? undefined,
    });
    return new ForetoldMels(model, tokens);
  }

  /** @param remember whether the same row always sounds the same. */
  async mel(example: Example, samples: Float32Array, remember: boolean): Promise<Mel> {
    const known = this.#known.get(example.id);
    if (known) return known;
    const tokens = await this.#tokens.tokens(example, samples, remember);
    const embedding = this.#tokens.embedding(example);
    const random = new TorchGenerator(0);
    const noise = (frames: number) => random.randn(frames * this.#model.bins);
    const mel = await this.#model.mel({ tokens, embedding, noise });
    if (remember && (this.#room -= mel.data.length) >= 0) this.#known.set(example.id, mel);
    return mel;
  }

  async dispose(): Promise<void> {
    await this.#model.dispose();
    await this.#tokens.dispose();
  }
}
