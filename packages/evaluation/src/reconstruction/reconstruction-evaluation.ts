/**
 * `uat eval reconstruction`: speech through tokens and back. Are the words still understood, is the melody, the voice and
 * the level kept, how good does it sound?
 */
import { EvaluationError } from "../errors.ts";
import { GENDER_THRESHOLD_HZ, type Gender, type KnownVoice, parseGender } from "../metrics/gender.ts";
import type { MetricNetworks } from "../metrics/metric-networks.ts";
import type { Evaluation, EvaluationClip, EvaluationContext, Player, Section, Table } from "../suite/evaluation.ts";
import {
  asJson,
  COMPARED_RATE,
  type MeasureOptions,
  measureClip,
  type Recognizer,
  reconstructClip,
  speakerVector,
} from "./clip-result.ts";
import {
  ENOUGH_SPEAKERS,
  meanF0Correlation,
  meanOverall,
  meanSimilarity,
  opinionFigures,
  pitchFigures,
  pooledVoicingError,
  signalFigures,
  type Voices,
  voiceFigures,
  wordFigures,
} from "./figures.ts";
import { errorRate, type Row, rateRise, type TextErrors, textErrors } from "./words.ts";

/** Clips that can be heard in the report, and sentences in the table of the worst. */
const PLAYERS = 6;
const WORST = 20;

export interface ReconstructionOptions {
  readonly networks: MetricNetworks;
  readonly recognizer?: Recognizer | undefined;
  /** Thresholds of the error rate are those for voices that training knew, or for others. Without it there are none. */
  readonly voices?: Voices | undefined;
  /**
   * Recordings of other speakers, with columns `speaker` and `gender`: what the judge of genders by speaker vectors
   * learns from, besides the originals.
   */
  readonly genderTeachers?: ((signal: AbortSignal) => Promise<readonly EvaluationClip[]>) | undefined;
}

export const reconstructionEvaluation = (options: ReconstructionOptions): Evaluation => ({
  name: "reconstruction",
  title: "Reconstruction",
  protocol: `reconstruction 2: each clip (first channel, ${COMPARED_RATE / 1000} kHz) is encoded and decoded with the run's seed, without a speaker vector or a prompt; both are compared at ${COMPARED_RATE / 1000} kHz without alignment. Error rates: greedy transcription of both by the recogniser against the list's text, normalised alike (case, punctuation, numbers, contractions), all clips as one text; the rise is the difference in points. f0 by YIN with a best path, 10 ms frames: correlation of log f0 over frames voiced in both; voicing error: share of all frames voiced in only one; gross pitch error: share of frames voiced in both that are more than 20 % off. Level: dB of frames at most 50 dB below the original's loudest. Gender: mean f0 of at least ${GENDER_THRESHOLD_HZ} Hz is female; or logistic regression (L2, C = 1) on speaker vectors of the originals of all other speakers and of the list --gender-speakers; kept is what equals the list's. Speaker similarity: cosine of Resemblyzer's vectors, silence not cut out. Distance of log-mels (80 bands, ln) and mel-cepstral distortion (coefficients 1 to 13) frame by frame. DNSMOS: means over windows of 9.01 s, as the package speechmos has them; Distill-MOS: as the package distillmos. Scores are means over clips. Intervals resample clips, or speakers where there are ${ENOUGH_SPEAKERS} or more.`,
  needsModel: true,
  async run(context) {
    const { networks, recognizer } = options;
    for (const line of networks.missing) context.note(line);
    if (!recognizer) context.note("word error rate left out: no recogniser is given (--whisper DIR)");
    const clips = await context.clips();
    if (recognizer && !clips.some((clip) => clip.text !== undefined))
      context.warn("no clip has a text: word error rates are left out; give a list with a text column");
    const measuring: MeasureOptions = {
      tokenizer: await context.model.tokenizer(),
      decoder: await context.model.decoder(),
      networks,
      recognizer,
      seed: context.seed,
      signal: context.signal,
    };
    const used = [
      networks.dnsmos?.name,
      networks.distillMos?.name,
      networks.speakerEncoder?.name,
      recognizer?.name,
    ].filter((n) => n !== undefined);
    const rows: Row[] = await context.measure(clips, ["clip", ...used].join("; "), async (clip) =>
      asJson(await measureClip(clip, measuring)),
    );
    if (rows.length === 0)
      throw new EvaluationError("no clip could be measured; expected audio files that can be read");
    const texts = textErrors(rows);
    const teachers = await knownVoices(options, context);
    return {
      sections: [
        await overview(rows, texts, options.voices, teachers, measuring, context),
        ...(texts.length > 0 ? [wordSection(texts)] : []),
      ],
      facts: {
        Recogniser: recognizer?.name ?? "none",
        "Opinion models": [networks.dnsmos?.name, networks.distillMos?.name].filter(Boolean).join("; ") || "none",
        "Speaker encoder": networks.speakerEncoder?.name ?? "none",
        "Speakers that genders are learnt from": new Set([
          ...rows.map((row) => row.clip.speaker),
          ...teachers.map((voice) => voice.speaker),
        ]).size,
      },
    };
  },
});

/** Speaker vectors of the recordings that tell how women and men sound. */
async function knownVoices(
  { networks: { speakerEncoder }, genderTeachers }: ReconstructionOptions,
  context: EvaluationContext,
): Promise<KnownVoice[]> {
  if (!genderTeachers) return [];
  if (!speakerEncoder) {
    context.warn("--gender-speakers: without a speaker encoder nothing is learnt from it (--metrics DIR)");
    return [];
  }
  const known = (await genderTeachers(context.signal)).filter(
    (clip) => clip.speaker !== undefined && parseGender(clip.columns.gender) !== undefined,
  );
  if (known.length === 0)
    throw new EvaluationError(
      "--gender-speakers: no clip has both speaker and gender; expected columns of these names",
    );
  const measured = await context.measure(known, `voice; ${speakerEncoder.name}`, async (clip) =>
    speakerVector(speakerEncoder.network, (await clip.read(COMPARED_RATE)).samples),
  );
  return measured.map(({ clip, result }) => ({
    speaker: clip.speaker as string,
    gender: parseGender(clip.columns.gender) as Gender,
    original: result,
  }));
}

async function overview(
  rows: readonly Row[],
  texts: readonly TextErrors[],
  voices: Voices | undefined,
  teachers: readonly KnownVoice[],
  measuring: MeasureOptions,
  context: EvaluationContext,
): Promise<Section> {
  const voice = voiceFigures(rows, teachers, context);
  const silent = rows.filter((row) => row.result.pitch.voiced === 0).length;
  return {
    title: `${rows.length} clips through tokens and back`,
    figures: [
      ...wordFigures(texts, voices, context),
      ...pitchFigures(rows, context),
      ...voice.figures,
      ...opinionFigures(rows, context),
      ...signalFigures(rows, context),
    ],
    tables: [speakerTable(rows, texts)],
    players: await players(rows, texts, measuring, context),
    notes: [
      ...voice.notes,
      ...(silent > 0 ? [`${silent} clips have no voiced frame and no part in the figures of f0.`] : []),
      "STOI and SI-SDR compare waveforms and envelopes in time: a decoder that makes its own phases and timing scores low on them however good it sounds.",
    ],
  };
}

const digits = (value: number, places: number): number | null =>
  Number.isFinite(value) ? Number(value.toFixed(places)) : null;

function speakerTable(rows: readonly Row[], texts: readonly TextErrors[]): Table {
  const speakers = [...new Set(rows.map((row) => row.clip.speaker ?? ""))].sort();
  const line = (name: string, some: readonly Row[], said: readonly TextErrors[]) => [
    name,
    some.length,
    digits(errorRate(said, "words", "original"), 1),
    digits(errorRate(said, "words", "decoded"), 1),
    digits(rateRise(said, "words"), 1),
    digits(rateRise(said, "characters"), 1),
    digits(meanF0Correlation(some), 2),
    digits(pooledVoicingError(some), 1),
    digits(meanSimilarity(some), 2),
    digits(meanOverall("original")(some), 2),
    digits(meanOverall("decoded")(some), 2),
  ];
  return {
    title: "By speaker",
    columns: [
      "Speaker",
      "Clips",
      "WER original, %",
      "WER decoded, %",
      "Rise, points",
      "Rise of CER, points",
      "f0 correlation",
      "Voicing error, %",
      "Similarity",
      "DNSMOS original",
      "DNSMOS decoded",
    ],
    rows: [
      ...speakers.map((speaker) =>
        line(
          speaker || "(not told)",
          rows.filter((row) => (row.clip.speaker ?? "") === speaker),
          texts.filter(({ row }) => (row.clip.speaker ?? "") === speaker),
        ),
      ),
      line("All", rows, texts),
    ],
  };
}

/** Errors that the reconstruction added. */
const added = ({ words }: TextErrors): number => words.decoded - words.original;

function wordSection(texts: readonly TextErrors[]): Section {
  const worst = [...texts].sort((a, b) => added(b) - added(a)).slice(0, WORST);
  return {
    title: "Words",
    tables: [
      {
        title: "Sentences that lost most words",
        columns: ["Clip", "Speaker", "Said", "Heard in the original", "Heard in the reconstruction", "Errors added"],
        rows: worst.map((one) => [
          one.row.clip.name,
          one.row.clip.speaker ?? "",
          one.row.clip.text ?? "",
          one.row.result.heard?.original ?? "",
          one.row.result.heard?.decoded ?? "",
          added(one),
        ]),
      },
    ],
    plots: [
      {
        kind: "histogram",
        title: "Word errors a clip",
        xLabel: "Errors for 100 words said",
        yLabel: "Clips",
        groups: (["original", "decoded"] as const).map((side) => ({
          name: side === "original" ? "Originals" : "Reconstructions",
          values: texts.map((one) => errorRate([one], "words", side)),
        })),
      },
    ],
  };
}

/** Clips to hear: from all speakers in turn, the middle ones first, and the worst at the end. */
async function players(
  rows: readonly Row[],
  texts: readonly TextErrors[],
  measuring: MeasureOptions,
  context: EvaluationContext,
): Promise<Player[]> {
  const order = texts.length > 0 ? [...texts].sort((a, b) => added(a) - added(b)).map(({ row }) => row) : [...rows];
  const chosen: Row[] = [];
  const bySpeaker = new Map<string, Row[]>();
  for (const row of order) {
    const name = row.clip.speaker ?? "";
    bySpeaker.set(name, [...(bySpeaker.get(name) ?? []), row]);
  }
  const turns = [...bySpeaker.values()];
  for (let i = 0; chosen.length < Math.min(PLAYERS - 1, order.length) && i < order.length; i++)
    for (const list of turns) {
      const row = list[(list.length >> 1) + i] ?? list[(list.length >> 1) - i];
      if (row && !chosen.includes(row) && chosen.length < PLAYERS - 1) chosen.push(row);
    }
  const last = order.at(-1);
  if (last && !chosen.includes(last)) chosen.push(last);
  const made: Player[] = [];
  for (const [i, { clip, result }] of chosen.entries()) {
    context.signal.throwIfAborted();
    context.progress("clips to hear", i, chosen.length);
    const { original, decoded } = await reconstructClip(clip, measuring);
    made.push({
      title: clip.name,
      sounds: [
        { name: "Original", samples: original, sampleRate: COMPARED_RATE },
        { name: "Reconstruction", samples: decoded, sampleRate: COMPARED_RATE },
      ],
      texts: {
        ...(clip.text === undefined ? {} : { Said: clip.text }),
        ...(result.heard
          ? { "Heard in the original": result.heard.original, "Heard in the reconstruction": result.heard.decoded }
          : {}),
      },
    });
  }
  return made;
}
