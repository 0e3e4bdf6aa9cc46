/**
 * What the codes say of words: one linear layer from a token's vector to characters, trained by counting alignments
 * (Graves et al., "Connectionist temporal classification", ICML 2006). The layer sees one token at a time and has no
 * memory, so it cannot spell by itself: what it reads right lies open in the codes. Character error rate by greedy
 * decoding, on voices that the layer was not trained on.
 */
import { addCounts, countErrorsAsJiwer, type ErrorCounts, errorsOf } from "@uat/evaluation";
import { createRuntime, type NumericArray, type Runtime, symbol } from "@uat/graph";
import { linear } from "universal-audio-tokenizer/internal";
import { LossProgram } from "../engine/loss-program.ts";
import { TrainingError } from "../errors.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { clipCoefficient, gradientNorm } from "../optimizer/gradients.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { cosine } from "../optimizer/schedules.ts";
import { Random } from "../random.ts";
import { framesNeeded, UnitVocabulary } from "../tasks/units.ts";
import { type CodeVectors, countCodes, standardizeByUse } from "./code-vectors.ts";

/** A clip and what is said in it. */
export interface SpokenClip {
  readonly codes: ArrayLike<number>;
  readonly text: string;
}

export interface CtcProbeOptions {
  /** Updates; {@link CTC_PROBE_STEPS} by default. */
  readonly steps?: number | undefined;
  /** Clips of an update; 64 by default. */
  readonly batchSize?: number | undefined;
  /** Largest rate of AdamW, which falls to a hundredth by half a cosine; 0.03 by default. */
  readonly learningRate?: number | undefined;
  /** Decides the order of the clips; 1 by default. */
  readonly seed?: number | undefined;
  /** One that runs on the calling thread; made and disposed of here, with one thread, by default. */
  readonly runtime?: Runtime | undefined;
  readonly onStep?: ((step: number, loss: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const CTC_PROBE_STEPS = 500;

/** Errors of the characters read, clip by clip. */
export interface CharacterErrors {
  /** Errors of all clips by the characters of all texts: a fraction that may pass 1. */
  readonly rate: number;
  readonly clips: readonly ErrorCounts[];
  /** What was read, clip by clip. */
  readonly texts: readonly string[];
}

export interface CtcProbeResult {
  /** On the clips trained on: far below `heldOut` where the layer learnt voices or texts by heart. */
  readonly train: CharacterErrors;
  readonly heldOut: CharacterErrors;
  /** Mean loss of the last tenth of the updates, nats a character. */
  readonly loss: number;
  /** Training clips left out: nothing is said, or more than their tokens could hold. */
  readonly skipped: number;
}

/** A text as it is spelt here: lower case, letters, marks, digits and apostrophes within words, single blanks between. */
export function spelling(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[‘’‛ʼ]/g, "'")
    .replace(/[^\p{L}\p{M}\p{N}']+/gu, " ")
    .replace(/(?<![\p{L}\p{N}])'+|'+(?![\p{L}\p{N}])/gu, " ")
    .replace(/ +/g, " ")
    .trim();
}

/**
 * Trains the layer on some clips and reads others. The characters are those of the training texts; others of the
 * held-out texts count as errors. Deterministic for equal arguments on one machine.
 * @throws TrainingError when no training clip has a text that fits, or no held-out clip has a text.
 */
export async function ctcProbe(
  codebook: CodeVectors,
  train: readonly SpokenClip[],
  heldOut: readonly SpokenClip[],
  options: CtcProbeOptions = {},
): Promise<CtcProbeResult> {
  const spelt = (clips: readonly SpokenClip[]) =>
    clips.map(({ codes, text }) => ({ codes, text: spelling(text) })).filter(({ text }) => text !== "");
  const [known, unknown] = [spelt(train), spelt(heldOut)];
  if (unknown.length === 0) throw new TrainingError("no held-out clip has a text; expected at least one");
  if (known.length === 0) throw new TrainingError("no training clip has a text; expected at least one");
  countCodes(
    unknown.map(({ codes }) => codes),
    codebook.size,
  );
  const counts = countCodes(
    known.map(({ codes }) => codes),
    codebook.size,
  );
  const vocabulary = UnitVocabulary.ofLabels(
    "characters",
    known.map(({ text }) => text),
  );
  const labelled = known
    .map(({ codes, text }) => ({ codes, label: vocabulary.encode(text, text) }))
    .filter(({ codes, label }) => framesNeeded(label) <= codes.length);
  if (labelled.length === 0)
    throw new TrainingError(`none of ${known.length} training texts fits into its clip's tokens; are they theirs?`);

  const runtime = options.runtime ?? (await createRuntime({ device: "cpu", threads: 1, thread: "calling" }));
  try {
    const vectors = standardizeByUse(codebook, counts);
    const { layer, loss } = await trainLayer(runtime, vectors, vocabulary.size, labelled, options);
    const units = likeliestUnits(vectors, layer.view("linear.weight"), layer.view("linear.bias"));
    return {
      train: readAll(known, units, vocabulary),
      heldOut: readAll(unknown, units, vocabulary),
      loss,
      skipped: train.length - labelled.length,
    };
  } finally {
    if (!options.runtime) await runtime.dispose();
  }
}

interface LabelledClip {
  readonly codes: ArrayLike<number>;
  readonly label: Int32Array;
}

async function trainLayer(
  runtime: Runtime,
  vectors: CodeVectors,
  units: number,
  clips: readonly LabelledClip[],
  options: CtcProbeOptions,
): Promise<{ layer: ParameterArena; loss: number }> {
  const { steps = CTC_PROBE_STEPS, batchSize = 64, learningRate = 0.03, seed = 1, onStep, signal } = options;
  const { size, dimension } = vectors;
  const trained = ["linear.weight", "linear.bias"];
  // from zeros: all characters are equally likely, and nothing but the clips' order is drawn
  const parameters = ParameterArena.from([
    { name: "linear.weight", shape: [units, dimension], values: new Float32Array(units * dimension) },
    { name: "linear.bias", shape: [units], values: new Float32Array(units) },
    { name: "codebook.weight", shape: [size, dimension], values: vectors.data },
  ]);
  const program = await LossProgram.compile(
    runtime,
    "ctc_probe",
    { parameters, trained: new Set(trained) },
    (graph, p) => {
      const [batch, time] = [symbol("batch"), symbol("time")];
      const codes = graph.input("codes", [batch, time], "int32");
      const labels = graph.input("labels", [batch, symbol("length")], "int32");
      const x = p.at("codebook").tensor("weight", [size, dimension]).gather(codes);
      const losses = linear(x, p.at("linear"), units).ctcLoss(labels, graph.input("lengths", [batch], "int32"));
      return { loss: losses.sum(0).div(graph.input("characters", [])) };
    },
  );
  const schedule = cosine({ learningRate, minimum: learningRate / 100, totalSteps: steps });
  const optimizer = await AdamW.create(runtime, parameters, [
    { name: "layer", parameters: trained, learningRate: schedule, weightDecay: 0 },
  ]);
  try {
    const gradients = optimizer.newGradients();
    const random = new Random(seed);
    const last = Math.max(1, Math.round(steps / 10));
    let sum = 0;
    for (let step = 0; step < steps; step++) {
      signal?.throwIfAborted();
      const batch = Array.from(random.sample(clips.length, batchSize), (i) => clips[i] as LabelledClip);
      const { loss } = await program.run(batchInputs(batch), gradients);
      await optimizer.step(gradients, { scale: clipCoefficient(gradientNorm(gradients), 1) });
      if (step >= steps - last) sum += loss;
      onStep?.(step + 1, loss);
    }
    return { layer: parameters, loss: sum / last };
  } finally {
    await program.dispose();
    await optimizer.dispose();
  }
}

function batchInputs(clips: readonly LabelledClip[]): Record<string, NumericArray> {
  const tokens = Math.max(...clips.map(({ codes }) => codes.length));
  const length = Math.max(...clips.map(({ label }) => label.length));
  const codes = new Int32Array(clips.length * tokens);
  const labels = new Int32Array(clips.length * length).fill(-1);
  for (const [row, clip] of clips.entries()) {
    codes.set(clip.codes, row * tokens);
    labels.set(clip.label, row * length);
  }
  const characters = clips.reduce((n, { label }) => n + label.length, 0);
  return {
    codes: { data: codes, shape: [clips.length, tokens] },
    labels: { data: labels, shape: [clips.length, length] },
    lengths: { data: Int32Array.from(clips, (clip) => clip.codes.length), shape: [clips.length] },
    characters: { data: Float32Array.of(characters), shape: [] },
  };
}

/** The unit of the largest logit for each code: the layer sees one token at a time, so a code always reads the same. */
function likeliestUnits({ size, dimension, data }: CodeVectors, weight: Float32Array, bias: Float32Array): Int32Array {
  return Int32Array.from({ length: size }, (_, k) => {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let u = 0; u < bias.length; u++) {
      let logit = bias[u] as number;
      for (let j = 0; j < dimension; j++)
        logit += (data[k * dimension + j] as number) * (weight[u * dimension + j] as number);
      if (logit > highest) [best, highest] = [u, logit];
    }
    return best;
  });
}

/** @param units the likeliest unit of each code. */
function readAll(clips: readonly SpokenClip[], units: Int32Array, vocabulary: UnitVocabulary): CharacterErrors {
  const texts = clips.map(({ codes }) =>
    vocabulary
      .decode(Array.from(codes, (code) => units[code] as number))
      .join("")
      .trim(),
  );
  const counts = clips.map(({ text }, i) => countErrorsAsJiwer(Array.from(text), Array.from(texts[i] as string)));
  const total = addCounts(counts);
  return { rate: errorsOf(total) / total.reference, clips: counts, texts };
}
