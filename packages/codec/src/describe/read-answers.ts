/** Answers by a reader: words by connectionist temporal classification, all else by labels (models/codes-reader.ts). */
import { buildGraph, compile, type Program, type Runtime, Scope } from "@uat/graph";
import type { ReaderConfig } from "../checkpoint/config/codes-reader.ts";
import { parametersOf } from "../checkpoint/parameters.ts";
import { tiles } from "../decoders/tiles.ts";
import { TokenizerError } from "../errors.ts";
import { codesReaderGraph } from "../models/codes-reader.ts";
import type { Answer, Answerer, AnswerOptions } from "./answerer.ts";
import { searchText } from "./ctc-search.ts";
import type { DescribeTask } from "./describe-tasks.ts";
import type { ReaderFiles } from "./describer-files.ts";
import { LabelReader } from "./reader-labels.ts";
import { formatSap } from "./sap-answer.ts";
import type { WordList } from "./word-list.ts";

/** Seconds that are read at once, and surroundings on both sides: about what training shows the network. */
const PIECE_SECONDS = 8;
const REACH_SECONDS = 1;
/** Seconds of the longest piece that one answer is about. */
const LONGEST_SECONDS = 30;

/** Logits of all tokens of a piece. */
interface Reading {
  /** [tokens, characters + 1] */
  readonly characters: Float32Array;
  /** [tokens, labels] */
  readonly labels: Float32Array;
}

export class ReadAnswers implements Answerer {
  readonly codebookSize: number;
  readonly frameRate: number;
  readonly longest: number;
  readonly #config: ReaderConfig;
  readonly #program: Program;
  readonly #labels: LabelReader;
  readonly #words: WordList | undefined;

  private constructor(config: ReaderConfig, program: Program, words: WordList | undefined) {
    this.#config = config;
    this.#words = words;
    this.#program = program;
    this.#labels = new LabelReader(config.labels, config.event_threshold);
    this.codebookSize = config.vocab_size;
    this.frameRate = config.frame_rate;
    this.longest = Math.max(1, Math.floor(LONGEST_SECONDS * config.frame_rate));
  }

  /**
   * @param int8 whether linear layers run in int8.
   * @throws GraphError when the checkpoint lacks a tensor or holds another shape than the configuration says.
   */
  static async load(
    runtime: Runtime,
    { store, config, words }: Pick<ReaderFiles, "store" | "config" | "words">,
    int8: boolean,
  ): Promise<ReadAnswers> {
    const graph = buildGraph("codes_reader", (g) => codesReaderGraph(g, new Scope(g, parametersOf(store)), config));
    const options = int8 ? { quantize: (name: string) => !name.startsWith("embedding.") } : {};
    return new ReadAnswers(config, await compile(runtime, graph, options), words);
  }

  check(task: DescribeTask): void {
    if (task === "emotion" && !this.#config.labels.some((label) => label.startsWith("emotion: ")))
      throw new TokenizerError("this describer knows no emotions; give one that was trained for this task");
  }

  /** `maxTokens` changes nothing: what is read is no longer than what is said. */
  async answer(codes: Int32Array, task: DescribeTask, { signal }: AnswerOptions): Promise<Answer> {
    const reading = await this.#read(codes, signal);
    const sap = this.#labels.answer(this.#spelled(reading.characters), {
      clip: clipLogits(reading.labels, this.#config.labels.length),
      tokens: reading.labels,
      frameRate: this.frameRate,
    });
    switch (task) {
      case "sap":
        return { text: formatSap(sap), sap };
      case "asr":
        return { text: sap.transcription ?? "" };
      case "caption":
        return { text: sap.nonLinguisticEvents.description ?? "" };
      case "emotion":
        return { text: sap.paralinguistics.emotion ?? "" };
    }
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }

  async #read(codes: Int32Array, signal: AbortSignal | undefined): Promise<Reading> {
    const widths = { characters: this.#config.characters.length + 1, labels: this.#config.labels.length };
    const reading = {
      characters: new Float32Array(codes.length * widths.characters),
      labels: new Float32Array(codes.length * widths.labels),
    };
    const [size, reach] = [PIECE_SECONDS, REACH_SECONDS].map((s) => Math.max(1, Math.round(s * this.frameRate)));
    for (const { start, end, from, to } of tiles(codes.length, size!, reach!)) {
      signal?.throwIfAborted();
      const seen = codes.slice(from, to);
      const values = await this.#program.run({ tokens: { data: seen, shape: [seen.length] } });
      for (const name of ["characters", "labels"] as const) {
        const part = (values[name]!.data as Float32Array).subarray(
          (start - from) * widths[name],
          (end - from) * widths[name],
        );
        // comparisons with NaN are all false: the answer would be silence
        if (!part.every(Number.isFinite))
          throw new TokenizerError("the describer computes values that are not numbers; its weights are damaged");
        reading[name].set(part, start * widths[name]);
      }
    }
    return reading;
  }

  /** Weighed against a list of words; without one the likeliest characters, repetitions joined, then blanks dropped. */
  #spelled(logits: Float32Array): string {
    const { characters } = this.#config;
    if (this.#words) return searchText(logits, characters, this.#words);
    const width = characters.length + 1;
    let text = "";
    let before = 0;
    for (let at = 0; at < logits.length; at += width) {
      let best = 0;
      for (let i = 1; i < width; i++) if (logits[at + i]! > logits[at + best]!) best = i;
      if (best > 0 && best !== before) text += characters[best - 1];
      before = best;
    }
    return text.replace(/\s+/g, " ").trim();
  }
}

/** A clip's logit: the log of the mean of its tokens' exponentials, as in training. */
function clipLogits(tokens: Float32Array, labels: number): Float32Array {
  const count = tokens.length / labels;
  return Float32Array.from({ length: labels }, (_, label) => {
    let peak = Number.NEGATIVE_INFINITY;
    for (let t = 0; t < count; t++) peak = Math.max(peak, tokens[t * labels + label]!);
    let sum = 0;
    for (let t = 0; t < count; t++) sum += Math.exp(tokens[t * labels + label]! - peak);
    return peak + Math.log(sum / count);
  });
}
