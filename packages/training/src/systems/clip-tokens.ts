/** The tokens that a flow learns to turn into sound: those of a tokeniser, or of a column of the data. */
import { DECODER_SAMPLE_RATE } from "@uat/audio";
import { AudioTokenizer } from "universal-audio-tokenizer/internal";
import type { FlowRun } from "../config/read-run-config.ts";
import type { Example } from "../data/example.ts";
import { TrainingError } from "../errors.ts";

/** Clips whose tokens are remembered: some 100 bytes each second of sound. */
const REMEMBERED = 100_000;

export class ClipTokens {
  readonly #tokenizer: AudioTokenizer | undefined;
  readonly #known = new Map<string, Int32Array>();

  private constructor(tokenizer: AudioTokenizer | undefined) {
    this.#tokenizer = tokenizer;
  }

  /**
   * @param vocabulary codes that the flow knows.
   * @throws TrainingError when the tokeniser does not fit the flow; CheckpointError and others when it cannot be loaded.
   */
  static async open(
    data: Pick<FlowRun["data"], "tokenizer">,
    { vocabulary, rate, threads }: { vocabulary: number; rate: number; threads: number | undefined },
  ): Promise<ClipTokens> {
    if (data.tokenizer === null) return new ClipTokens(undefined);
    const tokenizer = await AudioTokenizer.fromPretrained(data.tokenizer, { threads });
    if (tokenizer.codebookSize !== vocabulary || tokenizer.frameRate !== rate) {
      const { codebookSize, frameRate } = tokenizer;
      await tokenizer.dispose();
      throw new TrainingError(
        `data.tokenizer ${data.tokenizer} has ${codebookSize} codes, ${frameRate} a second; the model's ` +
          `vocab_size is ${vocabulary}, its frame rate ${rate}: make these equal`,
      );
    }
    return new ClipTokens(tokenizer);
  }

  /**
   * Tokens of a clip.
   * @param remember whether the same row always sounds the same.
   * @throws TrainingError when there is no tokeniser and the row has no codes.
   */
  async tokens(example: Example, samples: Float32Array, remember: boolean): Promise<Int32Array> {
    if (!this.#tokenizer) return this.#stored(example);
    const known = this.#known.get(example.id);
    if (known) return known;
    const { clips } = await this.#tokenizer.encode({ samples, sampleRate: DECODER_SAMPLE_RATE });
    const tokens = clips[0]!.codes;
    if (remember && this.#known.size < REMEMBERED) this.#known.set(example.id, tokens);
    return tokens;
  }

  /** The codes' vectors; undefined where no tokeniser is given. */
  async codebook(): Promise<{ readonly vectors: Float32Array; readonly shape: readonly number[] } | undefined> {
    return this.#tokenizer?.codebook();
  }

  /** The speaker's x-vector, where the row has one. */
  embedding(example: Example): Float32Array | undefined {
    const { embedding: stored } = example.labels;
    return isMissing(stored) ? undefined : Float32Array.from(numbers(example, stored, "an x-vector"));
  }

  #stored(example: Example): Int32Array {
    const { codes: stored } = example.labels;
    if (isMissing(stored))
      throw new TrainingError(
        `${example.id}: has no codes; give data.tokenizer, or name the column that holds them in columns.codes`,
      );
    return Int32Array.from(numbers(example, stored, "codes"));
  }

  async dispose(): Promise<void> {
    await this.#tokenizer?.dispose();
  }
}

const isMissing = (value: unknown): boolean => value === undefined || value === null;

/** Numbers of a list, of a typed array, or of text with blanks or commas between them. */
function numbers(example: Example, stored: unknown, what: string): number[] {
  const list =
    typeof stored === "string"
      ? stored.split(/[\s,[\]]+/).filter((part) => part !== "")
      : Array.isArray(stored) || ArrayBuffer.isView(stored)
        ? Array.from(stored as ArrayLike<unknown>)
        : [stored];
  const values = list.map(Number);
  if (values.length === 0 || values.some((v) => !Number.isFinite(v)))
    throw new TrainingError(`${example.id}: ${JSON.stringify(stored)?.slice(0, 40)} is not ${what}; expected numbers`);
  return values;
}
