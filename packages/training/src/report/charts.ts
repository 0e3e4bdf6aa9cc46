/** Which curves share a chart, what charts are called, and in which section of the report they stand. */
import { type Curve, type Curves, TRAIN } from "./curves.ts";
import type { Chart, ChartLine } from "./page-script.ts";

/** Names of metrics that the report and the progress line know. Parts of one thing are written `thing/part`. */
export const METRIC = {
  loss: "loss",
  /** `lr/encoder`, `lr/decoder`, … */
  learningRate: "lr",
  /** Share of the codebook in use, 0 to 1. */
  usage: "usage",
  /** Mean |γ| of the gate that mixes in low-level features. */
  gamma: "gamma",
  /** Norm of the gradient before clipping. */
  gradientNorm: "grad_norm",
  samplesPerSecond: "samples_per_second",
} as const;

const TITLES: Readonly<Record<string, string>> = {
  [METRIC.loss]: "Loss",
  [`${METRIC.loss}/`]: "Parts of the loss",
  [`${METRIC.learningRate}/`]: "Learning rates",
  [METRIC.learningRate]: "Learning rate",
  [METRIC.usage]: "Codebook use",
  [METRIC.gamma]: "γ",
  [`${METRIC.gamma}/`]: "γ",
  [METRIC.gradientNorm]: "Gradient norm",
  [`${METRIC.gradientNorm}/`]: "Gradient norms",
  [METRIC.samplesPerSecond]: "Samples per second",
  "sap/": "SAP",
  wer: "Word error rate",
  cer: "Character error rate",
};

/** Sections in order, and the words in a metric's name that put it there. */
const SECTIONS: readonly (readonly [title: string, words: RegExp])[] = [
  ["Quantiser", /usage|codebook|codes|gamma|perplexity|restart|commit/],
  ["Loss", /loss|distance|error$/],
  ["Quality", /\b[wc]er\b|accuracy|f1|match|valid|score|recall|precision/],
  ["Optimisation", /^lr|learning_rate|grad|norm|clip|scale|decay/],
  ["Speed", /per_second|seconds|time|memory|wait/],
];
const ORDER = ["Loss", "Quality", "Quantiser", "Optimisation", "Speed", "More"] as const;

export interface ChartSection {
  readonly title: string;
  readonly charts: readonly Chart[];
}

/** All charts of a run by section. Curves named `thing/part` share the chart of `thing`. */
export function chartSections(curves: Curves): ChartSection[] {
  const groups = new Map<string, string[]>();
  for (const name of curves.names()) {
    const key = name.replace(/(?<=\/).*/s, "");
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  const sections = new Map<string, Chart[]>();
  for (const [key, names] of groups) {
    const title = sectionOf(key, names, curves);
    sections.set(title, [...(sections.get(title) ?? []), chartOf(key, names, curves)]);
  }
  return ORDER.flatMap((title) => {
    const charts = sections.get(title)?.sort((a, b) => Number(b.main) - Number(a.main));
    return charts ? [{ title, charts }] : [];
  });
}

function sectionOf(key: string, names: readonly string[], curves: Curves): string {
  if (/^loss\b/.test(key)) return "Loss";
  const known = SECTIONS.find(([, words]) => words.test(key))?.[0];
  const evaluated = names.every((name) => !curves.splits(name).has(TRAIN));
  return known ?? (evaluated ? "Quality" : "More");
}

function chartOf(key: string, names: readonly string[], curves: Curves): Chart {
  const lines: ChartLine[] = [];
  for (const name of names) {
    const part = name.slice(key.length);
    for (const [split, curve] of curves.splits(name)) {
      const alone = part === "" ? split : split === TRAIN ? part : `${part} (${split})`;
      // where splits are compared, each has the same colour in every chart
      const color = part === "" ? (split === TRAIN ? 0 : Math.max(1, lines.length)) : lines.length;
      lines.push(lineOf(alone, color % COLORS, curve, split !== TRAIN));
    }
  }
  return {
    title: TITLES[key] ?? titleOf(key),
    lines,
    smooth: !/^(lr|learning_rate)\b/.test(key),
    main: key === METRIC.loss,
    steps: [curves.first, curves.step],
  };
}

/** Colours that the page has. */
export const COLORS = 8;

const titleOf = (key: string): string => {
  const words = key.replace(/\/$/, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

function lineOf(name: string, color: number, curve: Curve, points: boolean): ChartLine {
  const buckets = curve.buckets();
  // four digits are more than a picture shows
  const round = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null);
  const merged = buckets.some((b) => b.first !== b.step);
  return {
    name,
    color,
    points,
    x: buckets.map((b) => b.step),
    y: buckets.map((b) => round(b.mean)),
    ...(merged && !points ? { low: buckets.map((b) => round(b.min)), high: buckets.map((b) => round(b.max)) } : {}),
    broken: buckets.filter((b) => b.broken > 0).map((b) => b.step),
  };
}
