/**
 * `uat eval sap`: how well descriptions of clips (SAP JSON) agree with their references. Facts are compared; accent,
 * prosody, timbre and sound events are judged by a language model, where there is one.
 */
import type { RawAudio } from "universal-audio-tokenizer";
import type { SapAnswer } from "universal-audio-tokenizer/internal";
import { EvaluationError } from "../errors.ts";
import { parseSap, type SapScore, scoreSap, summarizeSap } from "../sap.ts";
import { bootstrapInterval } from "../suite/bootstrap.ts";
import type { Evaluation, EvaluationClip, EvaluationContext, Figure, Section, Table } from "../suite/evaluation.ts";
import { type ChatEndpoint, type ChatMessage, RefusedRequest } from "./chat-endpoint.ts";
import { concurrently } from "./concurrently.ts";
import { eventLabels } from "./event-labels.ts";
import {
  agreementQuestion,
  BEST_SCORE,
  eventsQuestion,
  JUDGED_FIELDS,
  majority,
  meanScore,
  TEMPERATURE,
  VOTES,
  type Votes,
  voteScore,
  voteYesNo,
} from "./sap-judge.ts";

/** Writes what is heard in a clip as SAP JSON: `(audio) => describer.describe(audio).then(({ text }) => text)`. */
export type Describe = (audio: RawAudio, signal: AbortSignal) => Promise<string>;

/** Where predictions come from. */
export type SapPredictions =
  /** A column of the list. */
  | { readonly column: string }
  /** By clip: its name, or the last part of its path where that is unique ({@link readPredictions}). */
  | { readonly byClip: ReadonlyMap<string, unknown> }
  /** Made now. `describer` names the weights, e.g. their hash: answers are remembered under it. */
  | { readonly describe: Describe; readonly describer: string; readonly sampleRate: number };

export interface SapOptions {
  readonly predictions: SapPredictions;
  /** Column that holds the reference; `sap` by default. */
  readonly reference?: string | undefined;
  readonly judge?: ChatEndpoint | undefined;
}

const PROTOCOL =
  "sap 1: references and predictions must be JSON with exactly the keys of a SAP answer (text before ```json and after ``` dropped). Word errors: upstream's tokens, all pairs as one text, over pairs in which both have a transcription. Age, gender and emotion are right when equal (null equals null), over pairs in which both are valid. Event labels: discrete and continuous events together, each label once a clip, in lower case, without punctuation and articles, each word in its singular; they must be equal then. Recall: labels of references that are predicted; precision: predicted labels that are in the references; summed over pairs in which both are valid. " +
  `Accent, prosody and timbre: right when both are null; wrong when one is; else by the majority of ${VOTES} votes of the judge at temperature ${TEMPERATURE}. Sound events: mean of ${VOTES} scores of the judge from 0 to ${BEST_SCORE}; without events on both sides ${BEST_SCORE}.`;

/** A clip with both texts and what was made of them. */
interface Pair {
  readonly clip: EvaluationClip;
  readonly score: SapScore;
  readonly predicted: SapAnswer | undefined;
  readonly reference: SapAnswer;
}

/**
 * Options of the command: `--describe MODEL` or `--predictions FILE|column`, `--reference COLUMN`, `--judge URL`,
 * `--judge-model NAME` (the key from the environment, {@link endpointKey}), `--judge-concurrency N`.
 */
export const sapEvaluation = (options: SapOptions): Evaluation => ({
  name: "sap",
  title: "Descriptions (SAP)",
  protocol: PROTOCOL,
  async run(context) {
    const pairs = await collectPairs(options, context);
    const sections = [factsSection(pairs, context), eventSection(pairs, context)];
    const { judge } = options;
    if (judge) sections.push(await judgedSection(pairs, judge, context));
    else
      sections.push({
        title: "Judged",
        notes: ["Accent, prosody, timbre and the description of events need a judge: --judge URL --judge-model NAME."],
      });
    const facts = {
      ...(judge ? { Judge: judge.identity } : {}),
      ...("describe" in options.predictions ? { Describer: options.predictions.describer } : {}),
    };
    return { sections, facts };
  },
});

async function collectPairs(options: SapOptions, context: EvaluationContext): Promise<Pair[]> {
  const column = options.reference ?? "sap";
  const { predictions } = options;
  const clips: { clip: EvaluationClip; reference: SapAnswer; label: string }[] = [];
  for (const clip of await context.clips()) {
    const label = textOf(clip.columns[column]);
    if (label === undefined) continue;
    const reference = parseSap(label);
    if (!reference)
      throw new EvaluationError(`${clip.name}: column "${column}" is no valid SAP JSON; mend or remove the row`);
    clips.push({ clip, reference, label });
  }
  if (clips.length === 0)
    throw new EvaluationError(
      `no clip has a reference in a column "${column}"; expected a list whose rows hold SAP JSON there`,
    );
  const texts = await predicted(
    predictions,
    clips.map(({ clip }) => clip),
    context,
  );
  return clips.flatMap(({ clip, reference, label }) => {
    if (!texts.has(clip)) return [];
    const prediction = texts.get(clip);
    return [{ clip, reference, predicted: parseSap(prediction), score: scoreSap(prediction, label) }];
  });
}

/** A text, or JSON that the list's format has already read; undefined where there is none. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : undefined;
}

/** Predictions of the clips that have one; what is missing from a list is a prediction that is not valid. */
async function predicted(
  predictions: SapPredictions,
  clips: readonly EvaluationClip[],
  context: EvaluationContext,
): Promise<Map<EvaluationClip, string | undefined>> {
  if ("describe" in predictions) {
    const { describe, describer, sampleRate } = predictions;
    const rows = await context.measure(clips, `description by ${describer}`, async (clip) => {
      const { samples } = await clip.read(sampleRate);
      return describe({ samples, sampleRate }, context.signal);
    });
    return new Map(rows.map(({ clip, result }) => [clip, result]));
  }
  const found = new Map<EvaluationClip, string | undefined>(
    clips.map((clip) => [
      clip,
      textOf("column" in predictions ? clip.columns[predictions.column] : predictionOf(clip, predictions.byClip)),
    ]),
  );
  const missing = clips.filter((clip) => found.get(clip) === undefined);
  if (missing.length === clips.length)
    throw new EvaluationError(
      "column" in predictions
        ? `no clip has a prediction in a column "${predictions.column}"; name the column that holds them`
        : `none of the predictions is about a clip of the list; expected names such as ${clips[0]!.name}`,
    );
  if (missing.length > 0)
    context.warn(`${missing.length} of ${clips.length} clips have no prediction (${missing[0]!.name}, …): not valid`);
  return found;
}

function predictionOf(clip: EvaluationClip, byClip: ReadonlyMap<string, unknown>): unknown {
  return byClip.get(clip.name) ?? byClip.get(lastPart(clip.name));
}

const lastPart = (path: string): string => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

const cluster = ({ clip }: Pair) => clip.speaker;

function figureOf(
  pairs: readonly Pair[],
  context: EvaluationContext,
  statistic: (pairs: readonly Pair[]) => number,
  facts: Omit<Figure, "value" | "interval">,
): Figure {
  return {
    ...facts,
    value: pairs.length === 0 ? Number.NaN : statistic(pairs),
    interval: bootstrapInterval(pairs, statistic, { random: context.random(facts.id), cluster }),
    n: facts.n ?? pairs.length,
  };
}

const percent = (hits: number, of: number): number => (of === 0 ? Number.NaN : (100 * hits) / of);

const shareOf = (test: (pair: Pair) => boolean) => (pairs: readonly Pair[]) =>
  percent(pairs.filter(test).length, pairs.length);

function factsSection(pairs: readonly Pair[], context: EvaluationContext): Section {
  const both = pairs.filter(({ score }) => score.matches);
  const spoken = pairs.filter(({ reference }) => reference.transcription !== null);
  const heard = both.filter(({ score }) => score.words && score.words.reference > 0);
  const exact = (field: "age" | "gender" | "emotion", more: Partial<Figure> = {}) =>
    figureOf(
      both,
      context,
      shareOf(({ score }) => score.matches?.[field] === true),
      { id: field, name: `${field[0]!.toUpperCase()}${field.slice(1)} right`, unit: "%", better: "higher", ...more },
    );
  return {
    title: "Facts",
    figures: [
      figureOf(
        pairs,
        context,
        shareOf(({ score }) => score.predictionValid),
        { id: "valid", name: "Valid JSON", unit: "%", better: "higher", must: 95, headline: true },
      ),
      figureOf(heard, context, (some) => 100 * (summarizeSap(some.map(({ score }) => score)).wer ?? Number.NaN), {
        id: "wer",
        name: "Word error rate of the transcription",
        unit: "%",
        better: "lower",
        must: 50,
        aim: 20,
        headline: true,
      }),
      figureOf(
        spoken,
        context,
        shareOf(({ predicted }) => predicted !== undefined && predicted.transcription !== null),
        { id: "transcribed", name: "Clips with speech that have a transcription", unit: "%", better: "higher" },
      ),
      exact("gender", { must: 90, headline: true }),
      exact("age"),
      exact("emotion"),
    ],
    notes: [
      "Age, gender and emotion are null where nobody speaks: to say so counts as right. Word errors count only where both sides have a transcription.",
    ],
  };
}

function eventSection(pairs: readonly Pair[], context: EvaluationContext): Section {
  const both = pairs.flatMap((pair) => (pair.predicted ? [pair] : []));
  const labels = new Map(
    both.map((pair) => [
      pair,
      { reference: eventLabels(pair.reference), predicted: eventLabels(pair.predicted as SapAnswer) },
    ]),
  );
  const hits = (pair: Pair) => {
    const { reference, predicted } = labels.get(pair)!;
    return [...reference].filter((label) => predicted.has(label)).length;
  };
  const ratio = (side: "reference" | "predicted") => (some: readonly Pair[]) =>
    percent(
      some.reduce((sum, pair) => sum + hits(pair), 0),
      some.reduce((sum, pair) => sum + labels.get(pair)![side].size, 0),
    );
  const count = (side: "reference" | "predicted") => [...labels.values()].reduce((n, l) => n + l[side].size, 0);
  return {
    title: "Sound events",
    figures: [
      figureOf(both, context, ratio("reference"), {
        id: "event-recall",
        name: "Recall of event labels",
        unit: "%",
        better: "higher",
        must: 40,
        aim: 70,
        headline: true,
        n: count("reference"),
        of: "labels",
      }),
      figureOf(both, context, ratio("predicted"), {
        id: "event-precision",
        name: "Precision of event labels",
        unit: "%",
        better: "higher",
        n: count("predicted"),
        of: "labels",
      }),
    ],
    tables: [labelTable([...labels.values()])],
  };
}

/** Labels shown in the table. */
const MOST_LABELS = 40;

function labelTable(clips: readonly { reference: Set<string>; predicted: Set<string> }[]): Table {
  const counts = new Map<string, { reference: number; predicted: number; both: number }>();
  const of = (label: string) => {
    const known = counts.get(label) ?? { reference: 0, predicted: 0, both: 0 };
    counts.set(label, known);
    return known;
  };
  for (const { reference, predicted } of clips) {
    for (const label of reference) of(label).reference++;
    for (const label of predicted) of(label).predicted++;
    for (const label of reference) if (predicted.has(label)) of(label).both++;
  }
  const rows = [...counts].sort(
    ([a, x], [b, y]) => y.reference - x.reference || y.predicted - x.predicted || (a < b ? -1 : 1),
  );
  return {
    title: "Event labels",
    columns: ["Label", "Clips with it", "Predicted", "Both", "Recall (%)", "Precision (%)"],
    rows: rows
      .slice(0, MOST_LABELS)
      .map(([label, { reference, predicted, both }]) => [
        label,
        reference,
        predicted,
        both,
        reference === 0 ? null : percent(both, reference),
        predicted === 0 ? null : percent(both, predicted),
      ]),
    ...(rows.length > MOST_LABELS ? { note: `${rows.length - MOST_LABELS} rarer labels are not shown.` } : {}),
  };
}

/** What the judge made of a pair; undefined where it came to no verdict. */
type Verdict<T> = { readonly pair: Pair; readonly value: T | undefined };

async function judgedSection(
  pairs: readonly Pair[],
  judge: ChatEndpoint,
  context: EvaluationContext,
): Promise<Section> {
  const both = pairs.filter(({ predicted }) => predicted !== undefined);
  const figures: Figure[] = [];
  const notes: string[] = [];
  const add = <T>(name: string, verdicts: readonly Verdict<T>[], figure: (known: readonly Verdict<T>[]) => Figure) => {
    const known = verdicts.filter(({ value }) => value !== undefined);
    figures.push(figure(known));
    if (known.length < verdicts.length)
      notes.push(
        `${name}: the judge came to no verdict on ${verdicts.length - known.length} clips; they are left out.`,
      );
  };
  for (const field of JUDGED_FIELDS) {
    const verdicts = await judged(both, field, judge.concurrency, context, async (pair) => {
      const reference = pair.reference.paralinguistics[field];
      const prediction = pair.predicted!.paralinguistics[field];
      if (reference === null || prediction === null) return reference === prediction;
      return majority(await asked(agreementQuestion(field, reference, prediction), voteYesNo, judge, context));
    });
    add(field, verdicts, (known) =>
      judgedFigure(known, context, (some) => percent(some.filter(({ value }) => value).length, some.length), {
        id: field,
        name: `${field[0]!.toUpperCase()}${field.slice(1)} right`,
        unit: "%",
        better: "higher",
      }),
    );
  }
  const scores = await judged(both, "sound events", judge.concurrency, context, async (pair) => {
    const [reference, prediction] = [pair.reference.nonLinguisticEvents, pair.predicted!.nonLinguisticEvents];
    if (isEmpty(reference) && isEmpty(prediction)) return BEST_SCORE;
    return meanScore(await asked(eventsQuestion(reference, prediction), voteScore, judge, context));
  });
  add("sound events", scores, (known) =>
    judgedFigure(known, context, (some) => some.reduce((sum, { value }) => sum + value!, 0) / some.length, {
      id: "event-score",
      name: `Score of the sound events (0 to ${BEST_SCORE})`,
      better: "higher",
    }),
  );
  return { title: "Judged", figures, notes };
}

const isEmpty = (events: SapAnswer["nonLinguisticEvents"]): boolean =>
  events.description === null && events.discreteEvents.length === 0 && events.continuousEvents.length === 0;

function judgedFigure<T>(
  known: readonly Verdict<T>[],
  context: EvaluationContext,
  statistic: (some: readonly Verdict<T>[]) => number,
  facts: Omit<Figure, "value" | "interval" | "n">,
): Figure {
  return {
    ...facts,
    value: known.length === 0 ? Number.NaN : statistic(known),
    interval: bootstrapInterval(known, statistic, {
      random: context.random(facts.id),
      cluster: ({ pair }) => cluster(pair),
    }),
    n: known.length,
  };
}

/** Verdicts on all pairs, a few at a time; a request that the endpoint does not take leaves its pair without one. */
async function judged<T>(
  pairs: readonly Pair[],
  label: string,
  limit: number,
  context: EvaluationContext,
  verdict: (pair: Pair) => Promise<T | undefined>,
): Promise<Verdict<T>[]> {
  let done = 0;
  context.progress(`judging ${label}`, done, pairs.length);
  return concurrently(pairs, limit, async (pair) => {
    let value: T | undefined;
    try {
      value = await verdict(pair);
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error;
      context.warn(`${pair.clip.name}: ${error.message}`);
    }
    context.progress(`judging ${label}`, ++done, pairs.length);
    return { pair, value };
  });
}

/** Votes on a question, remembered by judge and words: the same question is asked once, in this run and the next. */
function asked<T extends boolean | number>(
  messages: readonly ChatMessage[],
  vote: (judge: ChatEndpoint, messages: readonly ChatMessage[], signal: AbortSignal) => Promise<Votes<T>>,
  judge: ChatEndpoint,
  context: EvaluationContext,
): Promise<Votes<T>> {
  const key = `votes by ${judge.identity}: ${messages.map(({ content }) => content).join("\n")}`;
  return context.remember(key, () => vote(judge, messages, context.signal));
}
