/** Answers by a text decoder: greedily, under a grammar, so that whatever the weights are the answer is one. */
import type { ParameterSource, Runtime } from "@uat/graph";
import { TokenizerError } from "../errors.ts";
import { longestCodes } from "../models/codes-encoder.ts";
import type { Answer, Answerer, AnswerOptions } from "./answerer.ts";
import { type DescribeTask, grammarOf, startToken } from "./describe-tasks.ts";
import type { SapAnswer } from "./sap-answer.ts";
import { type DescriberConfig, TextGenerator } from "./text-generator.ts";
import type { TokenAutomaton } from "./token-automaton.ts";
import type { WhisperVocabulary } from "./whisper-vocabulary.ts";

export class WrittenAnswers implements Answerer {
  readonly codebookSize: number;
  readonly frameRate: number;
  readonly longest: number;
  readonly #generator: TextGenerator;
  readonly #vocabulary: WhisperVocabulary;
  readonly #positions: number;
  readonly #grammars = new Map<DescribeTask, TokenAutomaton>();

  private constructor(generator: TextGenerator, config: DescriberConfig, vocabulary: WhisperVocabulary) {
    this.#generator = generator;
    this.#vocabulary = vocabulary;
    this.#positions = config.max_target_positions;
    this.longest = longestCodes(config);
    this.codebookSize = config.quantize_vocab_size as number;
    this.frameRate = 50 / (config.pooling_kernel_size ?? 1);
  }

  /** As {@link TextGenerator.load}. */
  static async load(
    runtime: Runtime,
    source: ParameterSource,
    { config, vocabulary }: { readonly config: DescriberConfig; readonly vocabulary: WhisperVocabulary },
    int8: boolean,
  ): Promise<WrittenAnswers> {
    return new WrittenAnswers(await TextGenerator.load(runtime, source, config, int8), config, vocabulary);
  }

  check(task: DescribeTask, options: AnswerOptions): void {
    startToken(this.#vocabulary, task);
    const grammar = this.#grammarOf(task);
    const longest = this.#longestText(options);
    if (!(longest >= grammar.distance(grammar.start)))
      throw new TokenizerError(
        `${longest} tokens: expected at least ${grammar.distance(grammar.start)}, those of the shortest answer` +
          (longest === this.#positions ? "; this describer's decoder is too short for the task" : ""),
      );
  }

  async answer(codes: Int32Array, task: DescribeTask, options: AnswerOptions): Promise<Answer> {
    const first = startToken(this.#vocabulary, task);
    const longest = this.#longestText(options);
    const ids = await this.#generator.write(codes, first, this.#grammarOf(task), longest, options.signal);
    const text = this.#vocabulary.decode(ids);
    return { text: text.trim(), ...(task === "sap" && { sap: JSON.parse(text) as SapAnswer }) };
  }

  dispose(): Promise<void> {
    return this.#generator.dispose();
  }

  #longestText({ maxTokens }: AnswerOptions): number {
    return Math.min(maxTokens ?? this.#positions, this.#positions);
  }

  #grammarOf(task: DescribeTask): TokenAutomaton {
    let grammar = this.#grammars.get(task);
    if (grammar === undefined) {
      grammar = grammarOf(this.#vocabulary, task);
      this.#grammars.set(task, grammar);
    }
    return grammar;
  }
}
