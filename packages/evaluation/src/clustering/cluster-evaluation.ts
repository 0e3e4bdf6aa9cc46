/**
 * `uat eval clustering`: do clips of one class have like codes? Each clip is a histogram over the codebook, and classes
 * are compared with distances and with clusters found without them (UniAudio-Token, arXiv 2605.31521, cluster analysis).
 */
import { EvaluationError } from "../errors.ts";
import { bootstrapInterval } from "../suite/bootstrap.ts";
import type {
  Evaluation,
  EvaluationClip,
  EvaluationContext,
  Figure,
  Plot,
  PublishedValues,
  Section,
  Table,
} from "../suite/evaluation.ts";
import { bestAssignment } from "./assignment.ts";
import { purity } from "./clustering.ts";
import { escBenchmark, isEsc10 } from "./esc.ts";
import { countHistograms, type Normalization, normalizeRows } from "./matrix.ts";
import { principalPlane } from "./principal-components.ts";
import { type ClusterScores, clusterScores, confusion, usedColumns } from "./scores.ts";

const RUNS = 10;
const NORMALIZATIONS: readonly (readonly [Normalization, string])[] = [
  ["sqrt", "square-root"],
  ["l1", "L1"],
  ["l2", "L2"],
  ["none", "raw"],
];

/** A clip's codes with its class. */
export interface LabelledCodes {
  readonly name: string;
  readonly label: string;
  readonly codes: readonly number[];
  /** Clips cut from one recording depend on each other. */
  readonly recording?: string | undefined;
}

export const clusterEvaluation = (): Evaluation => ({
  name: "clustering",
  title: "Clustering of token histograms",
  protocol: `clustering 1: one histogram of codes a clip; forms: raw counts, L1, L2, and square roots of L1. Silhouette with the true classes as clusters; purity of k-means with k = number of classes, ${RUNS} seeded starts by k-means++, the run of least inertia (mean of all runs beside it); accuracy of the nearest other clip (leave one out). Square-root histograms with Euclidean distance are the form that is compared.`,
  needsModel: true,
  async run(context) {
    const clips = await context.clips();
    const labelled = clips.filter((clip) => clip.label !== undefined);
    checkClasses(labelled.map((clip) => clip.label!));
    const tokenizer = await context.model.tokenizer();
    const measured = await context.measure(labelled, "codes", async (clip) => {
      const { samples } = await clip.read(16_000);
      const encoded = await tokenizer.encode({ samples, sampleRate: 16_000 }, { signal: context.signal });
      return Array.from(encoded.clips[0]!.codes);
    });
    const rows = measured.map(({ clip, result }) => ({
      name: clip.name,
      label: clip.label!,
      codes: result,
      recording: recordingOf(clip),
    }));
    const sections = clusterSections(rows, tokenizer.codebookSize, context);
    const without = clips.length - labelled.length;
    return { sections, facts: without > 0 ? { "Clips without a class, left out": without } : {} };
  },
});

/** ESC's own name for the recording that several clips were cut from; folders of clips do not tell. */
const recordingOf = ({ columns }: EvaluationClip): string | undefined =>
  typeof columns.src_file === "string" || typeof columns.src_file === "number" ? String(columns.src_file) : undefined;

/** @throws EvaluationError unless there are two classes, and more clips than classes. */
function checkClasses(labels: readonly string[]): void {
  const classes = new Set(labels).size;
  const remedy = "give a folder with a folder for each class, or a list with a label column (--column label=NAME)";
  if (classes === 0) throw new EvaluationError(`no clip has a class; ${remedy}`);
  if (classes === 1)
    throw new EvaluationError(`all clips are of class "${labels[0]}"; expected two or more; ${remedy}`);
  if (classes >= labels.length)
    throw new EvaluationError(`${labels.length} clips of ${classes} classes; expected several clips of a class`);
}

/**
 * The report of a set of clips; of its ESC-10 part as well where the classes are those of ESC-50.
 * @throws EvaluationError when there are too few clips or classes to compare.
 */
export function clusterSections(
  rows: readonly LabelledCodes[],
  codebookSize: number,
  context: Pick<EvaluationContext, "random" | "seed" | "progress" | "signal">,
): Section[] {
  checkClasses(rows.map((row) => row.label));
  const benchmark = escBenchmark(rows.map((row) => row.label));
  const name = benchmark ?? `${new Set(rows.map((row) => row.label)).size} classes`;
  const sections = [clusterSection(name, benchmark, rows, codebookSize, context)];
  if (benchmark === "ESC-50") {
    const ten = rows.filter((row) => isEsc10(row.label));
    sections.unshift(clusterSection("ESC-10", "ESC-10", ten, codebookSize, context));
  }
  return sections;
}

function clusterSection(
  title: string,
  benchmark: ReturnType<typeof escBenchmark>,
  rows: readonly LabelledCodes[],
  codebookSize: number,
  context: Pick<EvaluationContext, "random" | "seed" | "progress" | "signal">,
): Section {
  const labels = rows.map((row) => row.label);
  const classes = [...new Set(labels)].sort();
  const truth = labels.map((label) => classes.indexOf(label));
  const counts = usedColumns(
    countHistograms(
      rows.map((row) => row.codes),
      codebookSize,
    ),
  );
  const scores = NORMALIZATIONS.map(([normalization], i) => {
    context.signal.throwIfAborted();
    context.progress(`scores of ${title}`, i, NORMALIZATIONS.length);
    return clusterScores(counts, labels, normalization, { runs: RUNS, seed: context.seed });
  });
  const [compared] = scores as [ClusterScores, ...ClusterScores[]];
  const id = benchmark ? `${benchmark.toLowerCase()}-` : "";
  const figures = scores.slice(0, 2).flatMap((score, i) => figuresOf(score, i === 0, id, benchmark, rows, context));
  const value = (part: string) => figures.find((figure) => figure.id === `${id}${part}-sqrt`)!.value;
  const predicted = Array.from(compared.neighbours.euclidean, (i) => truth[i]!);
  const agreement = confusion(Array.from(compared.clusters), truth, classes.length);
  const classOfCluster = bestAssignment(agreement);
  const clustered = Array.from(compared.clusters, (cluster) => classOfCluster[cluster]!);
  return {
    title: `${title}: ${rows.length} clips`,
    figures,
    published: publishedOf(benchmark, value("purity"), value("silhouette")),
    plots: [
      pictureOf(rows, normalizeRows(counts, "sqrt"), title),
      heat("Clusters of k-means, each named after the class that fits best", "Cluster of", classes, truth, clustered),
      heat("Nearest other clip", "Neighbour is", classes, truth, predicted),
    ],
    tables: [formsTable(scores, labels), classTable(classes, truth, clustered, predicted, compared)],
    notes: [
      "Intervals resample clips (whole recordings, where the list names them) with their clusters and neighbours as found; they do not tell how clusters of another sample would fall.",
      ...(benchmark
        ? ["Which form of histogram the published figures used is not known; forms move purity by .1 to .2."]
        : []),
    ],
  };
}

function figuresOf(
  score: ClusterScores,
  headline: boolean,
  id: string,
  benchmark: string | undefined,
  rows: readonly LabelledCodes[],
  context: Pick<EvaluationContext, "random">,
): Figure[] {
  const form = NORMALIZATIONS.find(([normalization]) => normalization === score.normalization)![1];
  const clips = [...rows.keys()];
  const interval = (name: string, statistic: (sample: readonly number[]) => number) =>
    bootstrapInterval(clips, statistic, {
      random: context.random(`${id}${name}-${score.normalization}`),
      cluster: (i) => rows[i]!.recording,
    });
  const mean = (values: (i: number) => number) => (sample: readonly number[]) =>
    sample.reduce((sum, i) => sum + values(i), 0) / sample.length;
  const fitting = fitsItsCluster(score.clusters, rows);
  const purityOf = mean((i) => Number(fitting[i]));
  const silhouetteOf = mean((i) => score.silhouettes.euclidean[i]!);
  const hit = mean((i) => Number(rows[score.neighbours.euclidean[i]!]!.label === rows[i]!.label));
  const prefix = benchmark ? `${benchmark} ` : "";
  const named = (name: string) => {
    const text = `${prefix}${name}, ${form} histograms`;
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  const thresholds = headline && benchmark === "ESC-10";
  const common = { n: rows.length, better: "higher", digits: 3 } as const;
  return [
    {
      ...common,
      id: `${id}purity-${score.normalization}`,
      name: named("purity of k-means"),
      value: purityOf(clips),
      interval: interval("purity", purityOf),
      headline,
      ...(thresholds ? { must: 0.73, aim: 0.85 } : {}),
    },
    {
      ...common,
      id: `${id}silhouette-${score.normalization}`,
      name: named("silhouette"),
      value: silhouetteOf(clips),
      interval: interval("silhouette", silhouetteOf),
      headline,
      ...(thresholds ? { must: 0.05, aim: 0.12 } : {}),
    },
    {
      ...common,
      id: `${id}nearest-${score.normalization}`,
      name: named("accuracy of the nearest clip"),
      value: hit(clips),
      interval: interval("nearest", hit),
      headline,
    },
  ];
}

/**
 * Whether each clip is of the class that is commonest in its cluster; purity is their share. A resampled cluster keeps
 * its class: one chosen anew would always fit better than the clusters did.
 */
function fitsItsCluster(clusters: Int32Array, rows: readonly LabelledCodes[]): boolean[] {
  const counts = new Map<number, Map<string, number>>();
  for (const [i, { label }] of rows.entries()) {
    const own = counts.get(clusters[i]!) ?? new Map<string, number>();
    counts.set(clusters[i]!, own.set(label, (own.get(label) ?? 0) + 1));
  }
  const commonest = new Map<number, string>();
  for (const [cluster, own] of counts)
    commonest.set(cluster, [...own].reduce((most, one) => (one[1] > most[1] ? one : most))[0]);
  return rows.map(({ label }, i) => commonest.get(clusters[i]!) === label);
}

function publishedOf(benchmark: string | undefined, purityValue: number, silhouetteValue: number): PublishedValues {
  if (benchmark === "ESC-10") return { esc10Purity: purityValue, esc10Silhouette: silhouetteValue };
  return benchmark === "ESC-50" ? { esc50Purity: purityValue, esc50Silhouette: silhouetteValue } : {};
}

function pictureOf(
  rows: readonly LabelledCodes[],
  histograms: Parameters<typeof principalPlane>[0],
  title: string,
): Plot {
  const { points, explained } = principalPlane(histograms);
  const share = (part: number) => `${(100 * part).toFixed(1)} % of the variance`;
  const byClass = rows
    .map((row, i) => ({ x: points[i]![0], y: points[i]![1], group: row.label, name: row.name }))
    .sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
  return {
    kind: "scatter",
    title: `${title}: clips by their square-root histograms`,
    points: byClass,
    xLabel: `First component (${share(explained[0])})`,
    yLabel: `Second component (${share(explained[1])})`,
    note: "Principal components. Two directions show only part of the distances that the figures are made of.",
  };
}

const heat = (
  title: string,
  xLabel: string,
  classes: readonly string[],
  truth: readonly number[],
  predicted: readonly number[],
): Plot => ({
  kind: "heat",
  title,
  rows: classes,
  columns: classes,
  values: confusion(truth, predicted, classes.length),
  xLabel,
  yLabel: "True class",
  note: "Clips, square-root histograms, Euclidean distance.",
});

function formsTable(scores: readonly ClusterScores[], labels: readonly string[]): Table {
  const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
  const accuracy = (neighbours: Int32Array) => mean(neighbours.map((j, i) => Number(labels[j] === labels[i])));
  const digits = (value: number) => Number(value.toFixed(3));
  return {
    title: "All forms of histogram",
    columns: [
      "Histogram",
      "Silhouette, Euclidean",
      "Silhouette, cosine",
      "Purity, least inertia",
      "Purity, mean of runs",
      "Purity, lowest",
      "Purity, highest",
      "1-NN, Euclidean",
      "1-NN, cosine",
    ],
    rows: scores.map((score, i) => [
      NORMALIZATIONS[i]![1],
      ...[
        mean(score.silhouettes.euclidean),
        mean(score.silhouettes.cosine),
        purity(score.clusters, labels),
        mean(score.purities),
        Math.min(...score.purities),
        Math.max(...score.purities),
        accuracy(score.neighbours.euclidean),
        accuracy(score.neighbours.cosine),
      ].map(digits),
    ]),
    note: `${scores[0]!.purities.length} runs of k-means each.`,
  };
}

function classTable(
  classes: readonly string[],
  truth: readonly number[],
  clustered: readonly number[],
  predicted: readonly number[],
  { silhouettes }: ClusterScores,
): Table {
  return {
    title: "Classes",
    columns: [
      "Class",
      "Clips",
      "Silhouette",
      "In the cluster of their class (%)",
      "Nearest clip is of their class (%)",
    ],
    rows: classes.map((name, c) => {
      const own = [...truth.keys()].filter((i) => truth[i] === c);
      const share = (hits: (i: number) => boolean) => Number(((100 * own.filter(hits).length) / own.length).toFixed(1));
      const mean = own.reduce((sum, i) => sum + silhouettes.euclidean[i]!, 0) / own.length;
      return [
        name,
        own.length,
        Number(mean.toFixed(3)),
        share((i) => clustered[i] === c),
        share((i) => predicted[i] === c),
      ];
    }),
  };
}
