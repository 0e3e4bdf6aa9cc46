/** Mels that a flow foretells from the codes of clips: what a vocoder will hear once both are one decoder. */
import type { Runtime } from "@uat/graph";
import { Flow, type Mel, memoryStore, TorchGenerator } from "universal-audio-tokenizer/internal";
import type { VocoderRun } from "../config/read-run-config.ts";
import type { Example } from "../data/example.ts";
import { TrainingError } from "../errors.ts";
import { ClipTokens } from "./clip-tokens.ts";
import { float32Tensors } from "./decoder-files.ts";
import type { DecoderStart } from "./decoder-start.ts";

/** Mel values kept, 4 bytes each: about an hour of sound. */
const KEPT_VALUES = 2 ** 25;

export class ForetoldMels {
  readonly #flow: Flow;
  readonly #tokens: ClipTokens;
  readonly #known = new Map<string, Mel>();
  #room = KEPT_VALUES;

  private constructor(flow: Flow, tokens: ClipTokens) {
    this.#flow = flow;
    this.#tokens = tokens;
  }

  /** @throws TrainingError when the model has no flow, or its codes are not the tokeniser's. */
  static async open(run: VocoderRun, start: DecoderStart, runtime: Runtime, file: string): Promise<ForetoldMels> {
    const weights = await start.tensors("flow");
    if (!weights)
      throw new TrainingError(
        `${file}: objectives.mels is codes, but model.init has no flow; expected a decoder with flow.pt`,
      );
    const config = start.config.flow;
    const tokens = await ClipTokens.open(run.data, {
      vocabulary: config.vocab_size,
      rate: config.input_frame_rate,
      threads: run.threads ?? undefined,
    });
    try {
      return new ForetoldMels(await Flow.load(config, memoryStore(float32Tensors(weights)), runtime), tokens);
    } catch (error) {
      await tokens.dispose();
      throw error;
    }
  }

  /** @param remember whether the same row always sounds the same. */
  async mel(example: Example, samples: Float32Array, remember: boolean): Promise<Mel> {
    const known = this.#known.get(example.id);
    if (known) return known;
    const tokens = await this.#tokens.tokens(example, samples, remember);
    const embedding = this.#tokens.embedding(example);
    const random = new TorchGenerator(0);
    const noise = (frames: number) => random.randn(frames * this.#flow.config.output_size);
    const mel = await this.#flow.mel({ tokens, embedding, noise });
    if (remember && (this.#room -= mel.data.length) >= 0) this.#known.set(example.id, mel);
    return mel;
  }

  async dispose(): Promise<void> {
    await this.#flow.dispose();
    await this.#tokens.dispose();
  }
}
