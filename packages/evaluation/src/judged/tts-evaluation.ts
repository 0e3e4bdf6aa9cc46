/**
 * `uat eval tts`: speech that a model synthesised for a SEED-TTS list: does it say the text (word error rate by a
 * recogniser), in the prompt's voice (cosine similarity of speaker embeddings), and how good does it sound (a predicted
 * mean opinion score)?
 */
import { EvaluationError } from "../errors.ts";
import type { PublishedMeasure } from "../report/published.ts";
import { bootstrapInterval } from "../suite/bootstrap.ts";
import type { Evaluation, EvaluationClip, EvaluationContext, Figure, Player, Section } from "../suite/evaluation.ts";
import { normalizeText } from "../text-normalizer.ts";
import { corpusWer } from "../wer.ts";
import type { TtsLine } from "./tts-list.ts";

/** A network that measures; `name` says which weights, e.g. `Whisper base, sha256 1f3a…`. */
export interface Measure<T> {
  readonly name: string;
  /** Hz that it hears at. */
  readonly sampleRate: number;
  /** @param samples mono. */
  measure(samples: Float32Array): Promise<T>;
}

export interface TtsOptions {
  /** {@link parseTtsList}; no more than are to be measured. */
  readonly lines: readonly TtsLine[];
  /** `en`, `zh`, …: how texts are made comparable, and the published column. */
  readonly language: string;
  /** Where a prompt lies: beside the list by default. @returns a path. */
  readonly locatePrompt: (prompt: string) => string;
  /** Where the speech for a line lies: `FOLDER/ID.wav`. @returns a path. */
  readonly locateSpeech: (id: string) => string;
  readonly recognizer?: Measure<string> | undefined;
  /** Embeddings of any length. */
  readonly speakerEncoder?: Measure<ArrayLike<number>> | undefined;
  readonly opinion?: Measure<number> | undefined;
}

const PUBLISHED: Readonly<Record<string, readonly PublishedMeasure[]>> = {
  en: ["ttsSimilarityEnglish", "ttsWerEnglish", "ttsMosEnglish"],
  zh: ["ttsSimilarityChinese", "ttsWerChinese", "ttsMosChinese"],
};

interface Spoken {
  readonly line: TtsLine;
  readonly clip: EvaluationClip;
  readonly prompt: EvaluationClip;
  readonly heard?: string | undefined;
  readonly similarity?: number | undefined;
  readonly opinion?: number | undefined;
}

/**
 * Options of the command: `LIST --speech FOLDER`, `--language en|zh`, the networks' files as for `reconstruction`,
 * `--limit N`.
 */
export const ttsEvaluation = (options: TtsOptions): Evaluation => ({
  name: "tts",
  title: `Speech synthesis (SEED-TTS, ${options.language})`,
  protocol: `tts 1: one recording for each line of a SEED-TTS list, ${options.language}. Word error rate: the recogniser's text against the target, both by the report's normalisation, upstream's tokens (Chinese characters one by one), all lines as one text. Similarity: cosine of the speaker embeddings of prompt and recording, mean over lines. Mean opinion score: as predicted, mean over lines.`,
  async run(context) {
    const { recognizer, speakerEncoder, opinion } = options;
    if (!recognizer && !speakerEncoder && !opinion)
      throw new EvaluationError("nothing is to be measured; give a recogniser, a speaker encoder or an opinion model");
    const { spoken, missing } = await openAll(options, context);
    const facts = {
      ...(recognizer ? { Recogniser: recognizer.name } : {}),
      ...(speakerEncoder ? { "Speaker encoder": speakerEncoder.name } : {}),
      ...(opinion ? { "Opinion model": opinion.name } : {}),
    };
    const measured = await measureAll(spoken, options, context);
    const one = section(measured, missing, options, context);
    return { sections: [{ ...one, players: await players(measured.filter(isMeasured)) }], facts };
  },
});

/** @throws EvaluationError when there is no recording, or a prompt is missing. */
async function openAll(
  { lines, language, locatePrompt, locateSpeech, speakerEncoder }: TtsOptions,
  context: EvaluationContext,
): Promise<{ spoken: Spoken[]; missing: string[] }> {
  const spoken: Spoken[] = [];
  const missing: string[] = [];
  let reason = "";
  for (const line of lines) {
    context.signal.throwIfAborted();
    let clip: EvaluationClip;
    try {
      clip = await context.openClip(locateSpeech(line.id), { name: line.id, text: line.target, language });
    } catch (error) {
      if ((error as { isInputError?: unknown }).isInputError !== true) throw error;
      reason ||= (error as Error).message;
      missing.push(line.id);
      continue;
    }
    const prompt = speakerEncoder
      ? await context.openClip(locatePrompt(line.prompt), { name: `${line.id}, prompt`, language })
      : clip;
    spoken.push({ line, clip, prompt });
  }
  if (spoken.length === 0) throw new EvaluationError(`no line has its recording (${reason}); expected ID.wav for each`);
  if (missing.length > 0) context.warn(`${missing.length} of ${lines.length} lines have no recording (${reason})`);
  return { spoken, missing };
}

async function measureAll(
  spoken: readonly Spoken[],
  { recognizer, speakerEncoder, opinion }: TtsOptions,
  context: EvaluationContext,
): Promise<Spoken[]> {
  const clips = spoken.map(({ clip }) => clip);
  const all = async <T, R extends string | number | number[]>(
    of: readonly EvaluationClip[],
    what: string,
    measure: Measure<T>,
    kept: (value: T) => R,
  ): Promise<Map<EvaluationClip, R>> => {
    const rows = await context.measure<R>(of, `${what} by ${measure.name}`, async (clip) => {
      const { samples } = await clip.read(measure.sampleRate);
      return kept(await measure.measure(samples));
    });
    return new Map(rows.map(({ clip, result }) => [clip, result]));
  };
  const texts = recognizer && (await all(clips, "text", recognizer, (text) => text));
  const opinions = opinion && (await all(clips, "opinion", opinion, (score) => score));
  const prompts = spoken.map(({ prompt }) => prompt);
  const voices = speakerEncoder && (await all([...clips, ...prompts], "voice", speakerEncoder, (v) => Array.from(v)));
  return spoken.map((one) => {
    const [voice, wanted] = [voices?.get(one.clip), voices?.get(one.prompt)];
    return {
      ...one,
      heard: texts?.get(one.clip),
      opinion: opinions?.get(one.clip),
      similarity: voice && wanted && cosine(voice, wanted),
    };
  });
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let [product, aa, bb] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    product += x * b[i]!;
    aa += x * x;
    bb += b[i]! ** 2;
  }
  return product / Math.sqrt(aa * bb);
}

function section(
  spoken: readonly Spoken[],
  missing: readonly string[],
  { language, recognizer, speakerEncoder, opinion }: TtsOptions,
  context: EvaluationContext,
): Section {
  const figure = (
    of: readonly Spoken[],
    statistic: (some: readonly Spoken[]) => number,
    facts: Pick<Figure, "id" | "name" | "unit" | "better" | "digits">,
  ): Figure => ({
    ...facts,
    value: of.length === 0 ? Number.NaN : statistic(of),
    // lines that share a prompt share its voice
    interval: bootstrapInterval(of, statistic, {
      random: context.random(facts.id),
      cluster: ({ line }) => line.prompt,
    }),
    n: of.length,
    of: "lines",
    headline: true,
  });
  const mean = (value: (one: Spoken) => number) => (some: readonly Spoken[]) =>
    some.reduce((sum, one) => sum + value(one), 0) / some.length;
  const comparable = (text: string) => normalizeText(text, language);
  const wer = (some: readonly Spoken[]) =>
    100 *
    corpusWer(some.map(({ line, heard }) => ({ reference: comparable(line.target), hypothesis: comparable(heard!) })))
      .wer;
  const heard = spoken.filter((one) => one.heard !== undefined);
  const alike = spoken.filter((one) => one.similarity !== undefined);
  const rated = spoken.filter((one) => one.opinion !== undefined);
  const similarity = mean((one) => one.similarity!);
  const score = mean((one) => one.opinion!);
  const figures = [
    speakerEncoder &&
      figure(alike, similarity, {
        id: "similarity",
        name: "Similarity to the prompt's voice",
        better: "higher",
        digits: 3,
      }),
    recognizer && figure(heard, wer, { id: "wer", name: "Word error rate", unit: "%", better: "lower", digits: 2 }),
    opinion &&
      figure(rated, score, { id: "opinion", name: "Predicted mean opinion score", better: "higher", digits: 2 }),
  ];
  const published = Object.fromEntries(
    (PUBLISHED[language] ?? []).flatMap((measure, i) => {
      const value = figures[i]?.value;
      return value === undefined || !Number.isFinite(value) ? [] : [[measure, value]];
    }),
  );
  return {
    title: `SEED-TTS, ${language}`,
    figures: figures.filter((one) => one !== undefined),
    published,
    notes: [
      "Published similarities, error rates and scores were measured by other networks; compare them only where the networks named here are the same.",
      ...(missing.length > 0
        ? [
            `${missing.length} lines have no recording and are left out: ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ", …" : ""}.`,
          ]
        : []),
    ],
  };
}

/** Clips that could be read. */
const isMeasured = ({ heard, similarity, opinion }: Spoken): boolean =>
  heard !== undefined || similarity !== undefined || opinion !== undefined;

/** Lines that can be listened to in the report, and their sample rate in Hz. */
const PLAYERS = 4;
const PLAYER_RATE = 24_000;

async function players(spoken: readonly Spoken[]): Promise<Player[]> {
  const result: Player[] = [];
  for (const { line, clip, prompt, heard } of spoken.slice(0, PLAYERS)) {
    const sounds = [];
    for (const [name, source] of Object.entries(
      prompt === clip ? { synthesised: clip } : { prompt, synthesised: clip },
    ))
      sounds.push({ name, samples: (await source.read(PLAYER_RATE)).samples, sampleRate: PLAYER_RATE });
    result.push({ title: line.id, sounds, texts: { target: line.target, ...(heard === undefined ? {} : { heard }) } });
  }
  return result;
}
