/**
 * `uat eval probes`: what one linear layer can read off the codes. What lies open to it is cheap to use for whoever
 * learns on the codes; what is only found by a large network is there as well, but at a price (Alain & Bengio,
 * "Understanding intermediate layers using linear classifier probes", 2016).
 */
import {
  bootstrapInterval,
  type ErrorCounts,
  type Evaluation,
  type EvaluationClip,
  type EvaluationContext,
  errorsOf,
  type Figure,
  type Section,
} from "@uat/evaluation";
import { openModel, openSafetensorsModel, readFloat32 } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import {
  type ClassifiedClip,
  type ClipFeatures,
  type ClipProbeResult,
  clipProbe,
  crossValidatedClipProbe,
} from "./clip-probes.ts";
import { type CodeVectors, codeVectors } from "./code-vectors.ts";
import { CTC_PROBE_STEPS, ctcProbe } from "./ctc-probe.ts";
import {
  agreementOf,
  type ClipMoments,
  pitchProbe,
  type RegressionProbeResult,
  regressionProbe,
  type TargetClip,
} from "./frame-probes.ts";
import { tokenLevel, tokenPitch } from "./token-targets.ts";
import { voicingError, voicingProbe } from "./voicing-probe.ts";

export interface ProbeOptions {
  /** Speakers that measure and are not learnt from; drawn by the seed (a fifth, at least one) where there are none. */
  readonly heldOutSpeakers?: readonly string[] | undefined;
  /** Updates of the layer that reads characters; {@link CTC_PROBE_STEPS} by default. */
  readonly steps?: number | undefined;
  /** Column that holds genders; `gender` by default. */
  readonly genderColumn?: string | undefined;
  /** Column that keeps clips of one recording in one fold of the sound classes' cross-validation; none by default. */
  readonly groupColumn?: string | undefined;
}

/** Hz. */
const RATE = 16_000;
const FOLDS = 5;

/** A clip's codes, and what sounds at each of them: kept with one digit after the point. */
type Kept = {
  readonly codes: readonly number[];
  /** Hz, 0 without voice. */
  readonly f0: readonly number[];
  /** dB of full scale. */
  readonly level: readonly number[];
};

type ProbedClip = Kept & { readonly clip: EvaluationClip };

/**
 * Which probes run follows from the inputs: texts and pitch where clips have speakers, gender where a column tells it,
 * sound classes where clips have labels and no speakers. Options of the command: `--held-out-speakers a,b`, `--steps N`,
 * `--gender-column NAME`, `--group-column NAME`.
 */
export const probeEvaluation = (options: ProbeOptions = {}): Evaluation => ({
  name: "probes",
  title: "Linear probes",
  protocol: `probes 1: of each token only its codebook vector is seen, standardised over the tokens learnt from. Characters: one linear layer, CTC, AdamW (learning rate 0.03 falling by a cosine, 64 clips an update, ${options.steps ?? CTC_PROBE_STEPS} updates), greedy decoding, character errors over all held-out clips, blanks counted. Pitch (log f0 of voiced tokens) and level (dB): ridge regression. Voicing: logistic regression. Gender and sound class: softmax regression on a clip's mean vector or on the square roots of its histogram of codes. Speech: held-out speakers are not learnt from. Sound class: ${FOLDS}-fold cross-validation, stratified. Nothing is chosen by held-out clips.`,
  needsModel: true,
  async run(context) {
    const codebook = await modelCodebook(context.model.name);
    const probed = await encodeAll(context);
    const speech = probed.filter(({ clip }) => clip.speaker !== undefined);
    const sounds = probed.filter(({ clip }) => clip.label !== undefined && clip.speaker === undefined);
    if (speech.length === 0 && sounds.length === 0)
      throw new TrainingError(
        `${context.inputs.join(", ")}: no clip has a speaker or a class; expected a list with a column speaker, or folders of classes`,
      );
    const sections: Section[] = [];
    const facts: Record<string, string> = {};
    if (speech.length > 0) {
      const heldOut = heldOutSpeakers(speech, options, context);
      facts["Held-out speakers"] = [...heldOut].sort().join(", ");
      const [train, measured] = [false, true].map((side) =>
        speech.filter(({ clip }) => heldOut.has(clip.speaker!) === side),
      );
      sections.push(...(await speechSections(codebook, train!, measured!, options, context)));
    }
    if (sounds.length > 0) sections.push(await classSection(codebook, sounds, options, context));
    return { sections, facts };
  },
});

/** The vectors of a model's codes. */
async function modelCodebook(model: string): Promise<CodeVectors> {
  const files = await openModel(model);
  const folder = (await files.exists("tokenizer/config.json")) ? "tokenizer/" : "";
  const store = await openSafetensorsModel(files, `${folder}model`);
  try {
    const name = [...store.names()].find((key) => key.endsWith("codebook.weight"));
    const dimension = name === undefined ? undefined : store.info(name)?.shape[1];
    if (name === undefined || dimension === undefined)
      throw new TrainingError(`model ${model}: has no codebook.weight; expected a tokeniser's weights`);
    return codeVectors(await readFloat32(store, name), dimension);
  } finally {
    await store.close();
  }
}

async function encodeAll(context: EvaluationContext): Promise<ProbedClip[]> {
  const clips = await context.clips();
  const tokenizer = await context.model.tokenizer();
  const rows = await context.measure<Kept>(clips, "codes, pitch and level", async (clip) => {
    const { samples } = await clip.read(RATE);
    const encoded = await tokenizer.encode({ samples, sampleRate: RATE }, { signal: context.signal });
    const codes = encoded.clips[0]!.codes;
    const rounded = (values: Float32Array) => Array.from(values, (v) => Math.round(10 * v) / 10);
    return {
      codes: Array.from(codes),
      f0: rounded(tokenPitch(samples, codes.length, tokenizer.frameRate)),
      level: rounded(tokenLevel(samples, codes.length, tokenizer.frameRate)),
    };
  });
  return rows.filter(({ result }) => result.codes.length > 0).map(({ clip, result }) => ({ clip, ...result }));
}

/** @throws TrainingError when a speaker that was named is not there, or none is left to learn from. */
function heldOutSpeakers(
  speech: readonly ProbedClip[],
  { heldOutSpeakers: named }: ProbeOptions,
  context: EvaluationContext,
): ReadonlySet<string> {
  const speakers = [...new Set(speech.map(({ clip }) => clip.speaker as string))].sort();
  const unknown = named?.filter((name) => !speakers.includes(name)) ?? [];
  if (unknown.length > 0)
    throw new TrainingError(
      `held-out speakers ${unknown.join(", ")}: not among the clips; their speakers are ${speakers.slice(0, 20).join(", ")}`,
    );
  const count = Math.max(1, Math.round(speakers.length / 5));
  const drawn = context.random("held-out speakers").sample(speakers.length, count);
  const heldOut = new Set(named && named.length > 0 ? named : Array.from(drawn, (i) => speakers[i] as string));
  if (heldOut.size >= speakers.length)
    throw new TrainingError(
      `${speakers.length} speakers, ${heldOut.size} of them held out; expected one or more to learn from`,
    );
  return heldOut;
}

async function speechSections(
  codebook: CodeVectors,
  train: readonly ProbedClip[],
  heldOut: readonly ProbedClip[],
  options: ProbeOptions,
  context: EvaluationContext,
): Promise<Section[]> {
  const sections: Section[] = [];
  const texts = (clips: readonly ProbedClip[]) => clips.filter(({ clip }) => (clip.text ?? "").trim() !== "");
  if (texts(train).length > 0 && texts(heldOut).length > 0)
    sections.push(await characterSection(codebook, texts(train), texts(heldOut), options, context));
  const isVoiced = ({ f0 }: ProbedClip) => f0.some((hz) => hz > 0);
  if (train.some(isVoiced) && heldOut.some(isVoiced)) sections.push(momentSection(codebook, train, heldOut, context));
  const gendered = (clips: readonly ProbedClip[]) =>
    clips.flatMap((one): { one: ProbedClip; label: string }[] => {
      const gender = one.clip.columns[options.genderColumn ?? "gender"];
      return typeof gender === "string" && gender !== "" ? [{ one, label: gender }] : [];
    });
  const [known, asked] = [gendered(train), gendered(heldOut)];
  if (asked.length > 0 && new Set(known.map(({ label }) => label)).size > 1) {
    const clips = (some: typeof known): ClassifiedClip[] => some.map(({ one, label }) => ({ codes: one.codes, label }));
    sections.push({
      title: "Gender",
      figures: await classFigures(
        "gender",
        "Gender",
        (features) => clipProbe(codebook, clips(known), clips(asked), features),
        asked.map(({ one }) => one),
        context,
      ),
    });
  }
  return sections;
}

/** A figure of clips; its interval draws whole speakers where there are enough of them. */
function figureOf<T>(
  measured: readonly ProbedClip[],
  perClip: readonly T[],
  statistic: (clips: readonly T[]) => number,
  context: EvaluationContext,
  facts: Omit<Figure, "value" | "interval">,
): Figure {
  const numbered = perClip.map((value, i) => ({ value, i }));
  const of = (some: readonly { value: T }[]) => statistic(some.map(({ value }) => value));
  return {
    n: measured.length,
    ...facts,
    value: of(numbered),
    interval: bootstrapInterval(numbered, of, {
      random: context.random(facts.id),
      cluster: ({ i }) => measured[i]!.clip.speaker,
    }),
  };
}

const errorRate = (clips: readonly ErrorCounts[]): number =>
  (100 * clips.reduce((n, c) => n + errorsOf(c), 0)) / clips.reduce((n, c) => n + c.reference, 0);

async function characterSection(
  codebook: CodeVectors,
  train: readonly ProbedClip[],
  heldOut: readonly ProbedClip[],
  { steps = CTC_PROBE_STEPS }: ProbeOptions,
  context: EvaluationContext,
): Promise<Section> {
  const spoken = (clips: readonly ProbedClip[]) => clips.map(({ codes, clip }) => ({ codes, text: clip.text ?? "" }));
  const result = await ctcProbe(codebook, spoken(train), spoken(heldOut), {
    steps,
    seed: context.seed,
    signal: context.signal,
    onStep: (step) => context.progress("characters", step, steps),
  });
  const shown = heldOut.slice(0, 8).map(({ clip }, i) => [clip.name, clip.text ?? "", result.heldOut.texts[i] ?? ""]);
  return {
    title: "Characters",
    figures: [
      figureOf(heldOut, result.heldOut.clips, errorRate, context, {
        id: "cer",
        name: "Character error rate, held-out voices",
        unit: "%",
        better: "lower",
        must: 30,
        aim: 15,
        headline: true,
      }),
      { id: "cer-train", name: "… voices learnt from", value: 100 * result.train.rate, unit: "%", n: train.length },
    ],
    tables: [{ title: "Read off the codes", columns: ["Clip", "Text", "Read"], rows: shown }],
    notes:
      result.skipped > 0
        ? [`${result.skipped} clips hold more text than their tokens could spell; they are not learnt from.`]
        : [],
  };
}

function momentSection(
  codebook: CodeVectors,
  train: readonly ProbedClip[],
  heldOut: readonly ProbedClip[],
  context: EvaluationContext,
): Section {
  const levels = (clips: readonly ProbedClip[]): TargetClip[] =>
    clips.map(({ codes, level }) => ({ codes, targets: level }));
  const pitch = pitchProbe(codebook, train, heldOut);
  const level = regressionProbe(codebook, levels(train), levels(heldOut));
  // all of it voiced: nothing to tell apart
  const mixed = train.some(({ f0 }) => f0.some((hz) => hz === 0));
  const voicing = mixed ? voicingProbe(codebook, train, heldOut) : undefined;
  const regression = (
    { heldOut: measured, train: learnt }: RegressionProbeResult,
    id: string,
    name: string,
    unit: string,
    headline: boolean,
  ): Figure[] => {
    const figure = (key: "correlation" | "correlationWithin" | "rmse", facts: Omit<Figure, "value" | "interval">) =>
      figureOf<ClipMoments>(heldOut, measured.clips, (clips) => agreementOf(clips)[key], context, {
        ...facts,
        n: measured.tokens,
        of: "tokens",
      });
    return [
      figure("correlation", {
        id: `${id}-correlation`,
        name: `${name}: correlation`,
        better: "higher",
        digits: 3,
        headline,
      }),
      figure("correlationWithin", {
        id: `${id}-correlation-within`,
        name: `${name}: correlation within clips`,
        better: "higher",
        digits: 3,
      }),
      figure("rmse", { id: `${id}-rmse`, name: `${name}: root mean square error`, unit, better: "lower" }),
      {
        id: `${id}-correlation-train`,
        name: `${name}: correlation, voices learnt from`,
        value: learnt.correlation,
        n: learnt.tokens,
        of: "tokens",
        digits: 3,
      },
    ];
  };
  return {
    title: "Pitch, voicing and level",
    figures: [
      ...regression(pitch, "pitch", "Pitch", "cents", true),
      ...(voicing
        ? [
            figureOf(heldOut, voicing.clips, (clips) => 100 * voicingError(clips), context, {
              id: "voicing",
              name: "Voicing told wrong",
              unit: "%",
              better: "lower",
            }),
            {
              id: "voicing-train",
              name: "… voices learnt from",
              value: 100 * voicing.train,
              unit: "%",
              n: train.length,
            },
          ]
        : []),
      ...regression(level, "level", "Level", "dB", false),
    ],
  };
}

const FEATURE_NAMES: Readonly<Record<ClipFeatures, string>> = { mean: "mean vector", histogram: "histogram" };

async function classFigures(
  id: string,
  name: string,
  probe: (features: ClipFeatures) => ClipProbeResult | Promise<ClipProbeResult>,
  measured: readonly ProbedClip[],
  context: EvaluationContext,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const features of Object.keys(FEATURE_NAMES) as ClipFeatures[]) {
    const { clips, train } = await probe(features);
    const right = (some: ClipProbeResult["clips"]) =>
      (100 * some.filter(({ label, predicted }) => label === predicted).length) / some.length;
    figures.push(
      figureOf(measured, clips, right, context, {
        id: `${id}-${features}`,
        name: `${name} told by the ${FEATURE_NAMES[features]}`,
        unit: "%",
        better: "higher",
        headline: features === "mean",
      }),
      { id: `${id}-${features}-train`, name: "… clips learnt from", value: 100 * train, unit: "%" },
    );
  }
  return figures;
}

async function classSection(
  codebook: CodeVectors,
  sounds: readonly ProbedClip[],
  { groupColumn }: ProbeOptions,
  context: EvaluationContext,
): Promise<Section> {
  const clips = sounds.map(({ codes, clip }): ClassifiedClip => {
    const group = groupColumn === undefined ? undefined : clip.columns[groupColumn];
    return {
      codes,
      label: clip.label as string,
      ...(group === undefined || group === null ? {} : { group: String(group) }),
    };
  });
  const classes = new Set(clips.map(({ label }) => label)).size;
  return {
    title: "Sound class",
    figures: await classFigures(
      "class",
      "Sound class",
      (features) =>
        crossValidatedClipProbe(codebook, clips, features, {
          folds: FOLDS,
          seed: context.seed,
          onFold: (done) => {
            context.signal.throwIfAborted();
            context.progress(`sound class by the ${FEATURE_NAMES[features]}, fold`, done, FOLDS);
          },
        }),
      sounds,
      context,
    ),
    notes: [
      `${classes} classes; ${FOLDS} folds. Clips of one recording in several folds flatter the figure: name their column (--group-column).`,
    ],
  };
}
