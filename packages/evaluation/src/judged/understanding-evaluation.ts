/**
 * `uat eval understanding`: whether a language model that hears through the codes understands what it hears, by
 * multiple-choice questions (MMAU, arXiv 2410.19168; MMAR, arXiv 2505.13032; MMSU, arXiv 2506.04779).
 */
import { encodeWav } from "@uat/audio";
import { EvaluationError } from "../errors.ts";
import type { PublishedMeasure } from "../report/published.ts";
import { bootstrapInterval } from "../suite/bootstrap.ts";
import type { Evaluation, EvaluationClip, EvaluationContext, Figure, Section } from "../suite/evaluation.ts";
import { letterOf, parseChoice } from "./answers.ts";
import { type ChatEndpoint, type ChatMessage, type ContentPart, RefusedRequest } from "./chat-endpoint.ts";
import { concurrently } from "./concurrently.ts";
import type { Benchmark, Question } from "./questions.ts";

/** How the model hears a clip. */
export type Presentation =
  /** The codes as text. `token`: one code, `{code}` being its number; `clip`: all of them, in place of `{tokens}`. */
  | { readonly as: "tokens"; readonly token: string; readonly clip: string }
  /** The sound itself, as OpenAI's `input_audio` (16 kHz mono WAV). */
  | { readonly as: "audio" };

/** Tokens as texts of a vocabulary that was extended by one for each code. */
export const TOKEN_TEXT: Presentation = { as: "tokens", token: "<|audio_{code}|>", clip: "{tokens}" };

export interface UnderstandingOptions {
  readonly benchmark: Benchmark;
  /** {@link parseQuestions}; no more than are to be asked. */
  readonly questions: readonly Question[];
  /** Where a question's clip lies: beside its list by default. @returns a path. */
  readonly locate: (audio: string) => string;
  readonly endpoint: ChatEndpoint;
  readonly presentation: Presentation;
}

const RATE = 16_000;

const HOW = `The model gets the clip, the question and the lettered choices, and is asked for the letter of the right one, at temperature 0. A letter, "the answer is B" and the text of a choice are taken for answers; an answer that names none or several is wrong. Accuracy: right answers over all questions.`;

/** One column of the published table. */
const GROUPS: Readonly<Record<Benchmark, Readonly<Record<string, PublishedMeasure>>>> = {
  mmau: { speech: "mmauSpeech", sound: "mmauSound", music: "mmauMusic" },
  mmar: { speech: "mmarSpeech", sound: "mmarSound", music: "mmarMusic" },
  mmsu: { perception: "mmsuPerception", reasoning: "mmsuReasoning" },
};
const OVERALL: Readonly<Record<Benchmark, PublishedMeasure>> = {
  mmau: "mmauOverall",
  mmar: "mmarOverall",
  mmsu: "mmsuOverall",
};

interface Answered {
  readonly question: Question;
  /** What the model chose; undefined when it named none or several, or nothing could be asked. */
  readonly choice: number | undefined;
}

const isRight = ({ question, choice }: Answered): boolean => choice === question.answer;

const accuracy = (answers: readonly Answered[]): number =>
  (100 * answers.filter(isRight).length) / Math.max(1, answers.length);

/**
 * Options of the command: `LIST`, `--benchmark mmau|mmar|mmsu`, `--audio FOLDER`, `--endpoint URL --endpoint-model NAME`
 * (the key from the environment, {@link endpointKey}), `--as tokens|audio`, `--token-template '<|audio_{code}|>'`,
 * `--clip-template '{tokens}'`, `--concurrency N`, `--max-tokens N`, `--limit N`.
 */
export const understandingEvaluation = (options: UnderstandingOptions): Evaluation => ({
  name: "understanding",
  title: `Understanding (${options.benchmark.toUpperCase()})`,
  protocol: `understanding 1: ${options.benchmark.toUpperCase()}. ${HOW} ${described(options.presentation)}`,
  needsModel: options.presentation.as === "tokens",
  async run(context) {
    checkTemplates(options.presentation);
    const answers = await ask(options, context);
    return { sections: [section(options.benchmark, answers, context)], facts: { Model: options.endpoint.identity } };
  },
});

const described = (presentation: Presentation): string =>
  presentation.as === "audio"
    ? "The clip is given as 16 kHz mono WAV (input_audio)."
    : `The clip is given as its codes in words: ${presentation.token} for each, as ${presentation.clip}.`;

function checkTemplates(presentation: Presentation): void {
  if (presentation.as === "audio") return;
  const { token, clip } = presentation;
  if (!token.includes("{code}"))
    throw new EvaluationError(
      `the token template ${JSON.stringify(token)} has no {code}; expected one such as <|audio_{code}|>`,
    );
  if (!clip.includes("{tokens}"))
    throw new EvaluationError(`the clip template ${JSON.stringify(clip)} has no {tokens}; expected it once`);
}

async function ask(
  { questions, locate, endpoint, presentation }: UnderstandingOptions,
  context: EvaluationContext,
): Promise<Answered[]> {
  const clips = new Map<string, EvaluationClip>();
  for (const { audio } of questions) {
    context.signal.throwIfAborted();
    if (!clips.has(audio)) clips.set(audio, await context.openClip(locate(audio), { name: audio }));
  }
  const texts = presentation.as === "tokens" ? await tokenTexts([...clips.values()], presentation, context) : undefined;
  let done = 0;
  return concurrently(questions, endpoint.concurrency, async (question): Promise<Answered> => {
    const clip = clips.get(question.audio) as EvaluationClip;
    let choice: number | undefined;
    try {
      const answer = await context.remember(
        `answer by ${endpoint.identity} to ${JSON.stringify([question.question, question.choices, clip.hash])}`,
        async () => {
          const heard: ContentPart = texts
            ? { type: "text", text: texts.get(clip) ?? missing(clip) }
            : await soundOf(clip);
          return endpoint.ask(promptOf(question, heard), { temperature: 0, signal: context.signal });
        },
      );
      choice = parseChoice(answer, question.choices);
    } catch (error) {
      if (!isAboutClip(error)) throw error;
      context.warn(`question ${question.id}: ${(error as Error).message}; it counts as wrong`);
    }
    context.progress("asking", ++done, questions.length);
    return { question, choice };
  });
}

/** A clip that cannot be heard and a question that the endpoint does not take are wrong answers; all else ends the run. */
const isAboutClip = (error: unknown): boolean =>
  error instanceof RefusedRequest || (error instanceof Error && error.name === "AudioError");

function missing(clip: EvaluationClip): never {
  throw new RefusedRequest(`${clip.name}: could not be tokenised`);
}

/** Codes of each clip in words. */
async function tokenTexts(
  clips: readonly EvaluationClip[],
  { token, clip: whole }: Extract<Presentation, { as: "tokens" }>,
  context: EvaluationContext,
): Promise<Map<EvaluationClip, string>> {
  const tokenizer = await context.model.tokenizer();
  const rows = await context.measure(clips, "codes", async (clip) => {
    const { samples } = await clip.read(RATE);
    const { clips: encoded } = await tokenizer.encode({ samples, sampleRate: RATE }, { signal: context.signal });
    return Array.from(encoded[0]!.codes);
  });
  const text = (codes: readonly number[]) => {
    const tokens = codes.map((code) => token.replaceAll("{code}", String(code))).join("");
    return whole.replaceAll("{tokens}", () => tokens);
  };
  return new Map(rows.map(({ clip, result }) => [clip, text(result)]));
}

async function soundOf(clip: EvaluationClip): Promise<ContentPart> {
  const { samples } = await clip.read(RATE);
  const wav = encodeWav([samples], RATE, "s16");
  return {
    type: "input_audio",
    input_audio: { data: Buffer.from(wav.buffer, wav.byteOffset, wav.byteLength).toString("base64"), format: "wav" },
  };
}

/** The clip first, then the question with its choices by letters. */
export function promptOf({ question, choices }: Question, heard: ContentPart): ChatMessage[] {
  const lettered = choices.map((choice, i) => `(${letterOf(i)}) ${choice}`).join("\n");
  const text = `${question}\n${lettered}\nAnswer with the letter of the right choice alone.`;
  return [
    {
      role: "user",
      content: heard.type === "text" ? `${heard.text}\n${text}` : [heard, { type: "text", text }],
    },
  ];
}

function section(benchmark: Benchmark, answers: readonly Answered[], context: EvaluationContext): Section {
  const figure = (id: string, name: string, some: readonly Answered[]): Figure => ({
    id,
    name,
    value: accuracy(some),
    unit: "%",
    interval: bootstrapInterval(some, accuracy, {
      random: context.random(id),
      // questions about one clip depend on each other
      cluster: ({ question }) => question.audio,
    }),
    n: some.length,
    of: "questions",
    better: "higher",
    digits: 2,
  });
  const byGroup = groupedBy(answers, ({ question }) => question.group);
  const published: Partial<Record<PublishedMeasure, number>> = { [OVERALL[benchmark]]: accuracy(answers) };
  const figures = [{ ...figure("accuracy", "Accuracy", answers), headline: true }];
  for (const [group, some] of byGroup) {
    figures.push({
      ...figure(`accuracy-${group.replace(/[^a-z0-9]+/g, "-")}`, `Accuracy: ${group}`, some),
      headline: false,
    });
    const measure = GROUPS[benchmark][group];
    if (measure) published[measure] = accuracy(some);
  }
  const chance = (100 * answers.reduce((sum, { question }) => sum + 1 / question.choices.length, 0)) / answers.length;
  const unclear = answers.filter(({ choice }) => choice === undefined).length;
  return {
    title: benchmark.toUpperCase(),
    figures,
    published,
    tables: [categoryTable(answers)],
    notes: [
      `Guessing would be right in ${chance.toFixed(1)} %.`,
      ...(unclear > 0 ? [`${unclear} answers named no choice, or several; they count as wrong.`] : []),
      "Published figures are those of a language model trained on the codes; they compare with a model trained alike.",
    ],
  };
}

/** Finer than the groups: what else the list calls its questions. */
function categoryTable(answers: readonly Answered[]) {
  const rows: (string | number)[][] = [];
  const kinds = [...new Set(answers.flatMap(({ question }) => Object.keys(question.categories)))];
  for (const kind of kinds) {
    const named = answers.filter(({ question }) => question.categories[kind] !== undefined);
    for (const [name, some] of groupedBy(named, ({ question }) => question.categories[kind] as string))
      rows.push([kind, name, some.length, some.filter(isRight).length, accuracy(some)]);
  }
  return { title: "By category", columns: ["Field", "Value", "Questions", "Right", "Accuracy (%)"], rows };
}

function groupedBy<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}
