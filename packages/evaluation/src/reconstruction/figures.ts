/** From the clips' results to the figures of the report. */
import type { DnsmosScores } from "../metrics/dnsmos.ts";
import { type Gender, genderOfPitch, gendersByVoice, type KnownVoice, parseGender } from "../metrics/gender.ts";
import {
  energyCorrelationOf,
  f0CorrelationOf,
  grossPitchErrorOf,
  joinPitch,
  type PitchComparison,
  voicingErrorOf,
} from "../metrics/pitch.ts";
import { cosineSimilarity } from "../metrics/speaker-encoder.ts";
import { bootstrapInterval } from "../suite/bootstrap.ts";
import type { EvaluationContext, Figure } from "../suite/evaluation.ts";
import type { Both, ClipResult } from "./clip-result.ts";
import { errorRate, type Row, rateRise, type TextErrors } from "./words.ts";

/** Which voices the clips have: thresholds of the error rate differ. */
export type Voices = "known" | "held-out";

const WER_THRESHOLDS: Readonly<Record<Voices, { must: number; aim: number }>> = {
  known: { must: 8, aim: 3 },
  "held-out": { must: 20, aim: 8 },
};
/** With fewer speakers than these, clips are resampled and not speakers: few clusters give intervals that mean nothing. */
export const ENOUGH_SPEAKERS = 10;

type Random = Pick<EvaluationContext, "random">;

/** Makes figures of one kind of items. */
function maker<T>(items: readonly T[], clipOf: (item: T) => Row["clip"], context: Random) {
  const speakers = new Set(items.map((item) => clipOf(item).speaker));
  const cluster = speakers.size >= ENOUGH_SPEAKERS ? (item: T) => clipOf(item).speaker : undefined;
  return (facts: Omit<Figure, "value" | "interval" | "n">, statistic: (some: readonly T[]) => number): Figure => ({
    n: items.length,
    ...facts,
    value: items.length === 0 ? Number.NaN : statistic(items),
    interval: bootstrapInterval(items, statistic, { random: context.random(facts.id), cluster }),
  });
}

export function wordFigures(clips: readonly TextErrors[], voices: Voices | undefined, context: Random): Figure[] {
  if (clips.length === 0) return [];
  const figure = maker(clips, (c) => c.row.clip, context);
  const lower = { better: "lower", digits: 2 } as const;
  const rate = (unit: "words" | "characters", name: string, id: string) => [
    figure({ ...lower, id: `${id}-original`, name: `${name} of the originals`, unit: "%" }, (s) =>
      errorRate(s, unit, "original"),
    ),
    figure({ ...lower, id, name: `${name} of the reconstructions`, unit: "%", headline: unit === "words" }, (s) =>
      errorRate(s, unit, "decoded"),
    ),
    figure(
      {
        ...lower,
        id: `${id}-rise`,
        name: `Rise of the ${name.charAt(0).toLowerCase()}${name.slice(1)}`,
        unit: "points",
        headline: unit === "words",
        ...(voices && unit === "words" ? WER_THRESHOLDS[voices] : {}),
      },
      (s) => rateRise(s, unit),
    ),
  ];
  return [...rate("words", "Word error rate", "wer"), ...rate("characters", "Character error rate", "cer")];
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Mean over the clips for which a measure is a number. */
const meanOf = (of: (result: ClipResult) => number | null) => (rows: readonly Row[]) =>
  mean(rows.map((row) => of(row.result)).filter((v): v is number => v !== null && Number.isFinite(v)));

const pooled = (of: (all: PitchComparison) => number) => (rows: readonly Row[]) =>
  of(joinPitch(rows.map((row) => row.result.pitch)));

export const meanF0Correlation = meanOf((r) => f0CorrelationOf(r.pitch));
export const pooledVoicingError = pooled((all) => 100 * voicingErrorOf(all));

export function pitchFigures(rows: readonly Row[], context: Random): Figure[] {
  const figure = maker(rows, (row) => row.clip, context);
  return [
    figure(
      {
        id: "f0-correlation",
        name: "Correlation of log f0, mean of clips",
        better: "higher",
        must: 0.65,
        aim: 0.85,
        digits: 3,
        headline: true,
      },
      meanF0Correlation,
    ),
    figure(
      { id: "f0-correlation-pooled", name: "Correlation of log f0, all frames", better: "higher", digits: 3 },
      pooled(f0CorrelationOf),
    ),
    figure(
      { id: "voicing-error", name: "Voicing error", unit: "%", better: "lower", must: 15, digits: 1, headline: true },
      pooledVoicingError,
    ),
    figure(
      { id: "gross-pitch-error", name: "Gross pitch error", unit: "%", better: "lower", digits: 1 },
      pooled((all) => 100 * grossPitchErrorOf(all)),
    ),
    figure(
      { id: "energy-correlation", name: "Correlation of the level, mean of clips", better: "higher", digits: 3 },
      meanOf((r) => energyCorrelationOf(r.pitch)),
    ),
  ];
}

export const similarityOf = ({ voice }: ClipResult): number | null =>
  voice && cosineSimilarity(Float32Array.from(voice.original), Float32Array.from(voice.decoded));

export const meanSimilarity = meanOf(similarityOf);

/** Whether speakers' genders are kept; empty where lists do not tell them. */
export function voiceFigures(
  rows: readonly Row[],
  teachers: readonly KnownVoice[],
  context: Random,
): { figures: Figure[]; notes: string[] } {
  const figures: Figure[] = [];
  const notes: string[] = [];
  const heard = rows.filter((row) => row.result.voice !== null);
  if (heard.length > 0)
    figures.push(
      maker(
        heard,
        (row) => row.clip,
        context,
      )(
        {
          id: "speaker-similarity",
          name: "Speaker similarity",
          better: "higher",
          digits: 3,
          headline: true,
        },
        meanSimilarity,
      ),
    );
  const known = rows.flatMap((row) => {
    const gender = parseGender(row.clip.columns.gender);
    return gender ? [{ row, gender }] : [];
  });
  if (known.length === 0)
    return { figures, notes: ["The list has no column `gender`: whether it is kept is not told."] };
  const byPitch = (side: keyof Both<number>) =>
    known.map(({ row, gender }) => ({
      row,
      hit: genderOfPitch(side === "original" ? row.result.pitch.referenceF0 : row.result.pitch.degradedF0) === gender,
    }));
  figures.push(...keptFigures("pitch", "mean f0", byPitch("original"), byPitch("decoded"), context));
  const voices = known.flatMap(({ row, gender }) => {
    const { voice } = row.result;
    return voice && row.clip.speaker !== undefined
      ? [{ row, speaker: row.clip.speaker, gender, original: voice.original, copy: voice.decoded }]
      : [];
  });
  const judged = gendersByVoice(voices, teachers);
  if (!judged && voices.length > 0)
    notes.push("Gender by speaker vectors needs a column `speaker` with two speakers of each gender.");
  if (judged) {
    const hits = (genders: readonly Gender[]) =>
      voices.map(({ row, gender }, i) => ({ row, hit: genders[i] === gender }));
    figures.push(...keptFigures("voice", "speaker vectors", hits(judged.original), hits(judged.copy), context));
  }
  return { figures, notes };
}

interface Hit {
  readonly row: Row;
  readonly hit: boolean;
}

function keptFigures(
  id: string,
  by: string,
  original: readonly Hit[],
  decoded: readonly Hit[],
  context: Random,
): Figure[] {
  const share = (hits: readonly Hit[]) => 100 * mean(hits.map(({ hit }) => Number(hit)));
  const facts = { unit: "%", better: "higher", digits: 1 } as const;
  const make = (hits: readonly Hit[]) => maker(hits, ({ row }) => row.clip, context);
  return [
    make(decoded)({ ...facts, id: `gender-${id}`, name: `Gender kept, by ${by}`, must: 90 }, share),
    make(original)({ ...facts, id: `gender-${id}-original`, name: `Gender told from the originals, by ${by}` }, share),
  ];
}

export function opinionFigures(rows: readonly Row[], context: Random): Figure[] {
  const scores = [
    { id: "dnsmos-overall", name: "DNSMOS overall", of: dnsmosPart("overall"), must: 2.6, aim: 3.2, headline: true },
    { id: "dnsmos-signal", name: "DNSMOS speech signal", of: dnsmosPart("signal") },
    { id: "dnsmos-background", name: "DNSMOS background", of: dnsmosPart("background") },
    { id: "dnsmos-p808", name: "DNSMOS P.808", of: dnsmosPart("p808") },
    { id: "distill-mos", name: "Distill-MOS", of: (result: ClipResult) => result.distillMos, headline: true },
  ];
  return scores.flatMap(({ id, name, of, ...facts }) => {
    const heard = rows.filter((row) => of(row.result) !== null);
    if (heard.length === 0) return [];
    const figure = maker(heard, (row) => row.clip, context);
    const side = (which: keyof Both<number>) => meanOf((result) => of(result)?.[which] ?? null);
    return [
      figure({ id, name, better: "higher", digits: 2, ...facts }, side("decoded")),
      figure({ id: `${id}-original`, name: `${name} of the originals`, better: "higher", digits: 2 }, side("original")),
    ];
  });
}

const dnsmosPart =
  (part: keyof DnsmosScores) =>
  ({ dnsmos }: ClipResult): Both<number> | null =>
    dnsmos && { original: dnsmos.original[part], decoded: dnsmos.decoded[part] };

/** Mean overall DNSMOS of one side. */
export const meanOverall = (side: keyof Both<number>) => meanOf(({ dnsmos }) => dnsmos?.[side].overall ?? null);

export function signalFigures(rows: readonly Row[], context: Random): Figure[] {
  const figure = maker(rows, (row) => row.clip, context);
  return [
    figure(
      { id: "stoi", name: "STOI", better: "higher", digits: 3 },
      meanOf((r) => r.stoi),
    ),
    figure(
      { id: "extended-stoi", name: "Extended STOI", better: "higher", digits: 3 },
      meanOf((r) => r.extendedStoi),
    ),
    figure(
      { id: "log-mel-distance", name: "Distance of log-mels", better: "lower", digits: 3 },
      meanOf((r) => r.logMel),
    ),
    figure(
      { id: "mel-cepstral-distortion", name: "Mel-cepstral distortion", unit: "dB", better: "lower", digits: 2 },
      meanOf((r) => r.melCepstral),
    ),
    figure(
      { id: "si-sdr", name: "SI-SDR", unit: "dB", better: "higher", digits: 1 },
      meanOf((r) => r.siSdr),
    ),
  ];
}
