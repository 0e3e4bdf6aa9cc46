/** Which curves share a chart, what charts are called, and in which section of the report they stand. */
import { type Curve, type Curves, TRAIN } from "./curves.ts";
import type { Chart, ChartLine } from "./page-script.ts";

/** Metrics that the report's first lines show. */
export const METRIC = {
  loss: "loss",
  /** Share of the codebook in use, 0 to 1. */
  usage: "codebook_usage",
  /** Mean |γ| of the gate that mixes in low-level features. */
  gamma: "gamma",
  samplesPerSecond: "samples_per_second",
} as const;

const ORDER = ["Loss", "Quality", "Quantiser", "Optimisation", "Speed", "More"] as const;
type Section = (typeof ORDER)[number];

/** Metrics that share a chart: which names, what is their part in it, how it is called and where it stands. */
const FAMILIES: readonly (readonly [names: RegExp, title: string, section: Section])[] = [
  [/^lr_(.+)/, "Learning rates", "Optimisation"],
  [/^asr_(.+)/, "Speech recognition", "Quality"],
  [/^ser_(.+)/, "Emotion recognition", "Quality"],
  [/^caption_(.+)/, "Captions", "Quality"],
  [/^sap_(.+)/, "SAP", "Quality"],
  [/^(.+)_loss$/, "Parts of the loss", "Loss"],
];

const TITLES: Readonly<Record<string, string>> = {
  [METRIC.usage]: "Codebook use",
  [METRIC.gamma]: "γ",
  codebook_active: "Active codes",
  codebook_restarted: "Restarted codes",
  gradient_norm: "Gradient norm before clipping",
  data_wait: "Share of time spent waiting for data",
  wer: "Word error rate",
  cer: "Character error rate",
};

/** Words in a metric's name that tell its section. */
const WORDS: readonly (readonly [words: RegExp, section: Section])[] = [
  [/loss|distance|error$/, "Loss"],
  [/codebook|codes|gamma|perplexity/, "Quantiser"],
  [/accuracy|_f1|match|valid|score/, "Quality"],
  [/gradient|norm|scale/, "Optimisation"],
  [/per_second|seconds|wait|memory/, "Speed"],
];

export interface ChartSection {
  readonly title: string;
  readonly charts: readonly Chart[];
}

/** All charts of a run by section. */
export function chartSections(curves: Curves): ChartSection[] {
  const groups = new Map<string, { section: Section; parts: Map<string, string> }>();
  for (const name of curves.names()) {
    const family = FAMILIES.find(([names]) => names.test(name));
    const title = family?.[1] ?? TITLES[name] ?? titleOf(name);
    let group = groups.get(title);
    if (group === undefined)
      groups.set(title, (group = { section: family?.[2] ?? sectionOf(name, curves), parts: new Map() }));
    group.parts.set(name, family?.[0].exec(name)?.[1] ?? "");
  }
  const all = [...groups].map(([title, { section, parts }]) => ({ section, chart: chartOf(title, parts, curves) }));
  return ORDER.flatMap((title) => {
    const charts = all.filter((one) => one.section === title).map((one) => one.chart);
    return charts.length > 0 ? [{ title, charts: charts.sort((a, b) => Number(b.main) - Number(a.main)) }] : [];
  });
}

function sectionOf(name: string, curves: Curves): Section {
  const known = WORDS.find(([words]) => words.test(name))?.[1];
  return known ?? (curves.splits(name).has(TRAIN) ? "More" : "Quality");
}

/** @param parts of each metric its name in the chart; "" where it has the chart for itself. */
function chartOf(title: string, parts: ReadonlyMap<string, string>, curves: Curves): Chart {
  const lines: ChartLine[] = [];
  for (const [place, [name, part]] of [...parts].entries()) {
    for (const [split, curve] of curves.splits(name)) {
      const label = part === "" ? split : `${part.replaceAll("_", " ")}${split === TRAIN ? "" : ` (${split})`}`;
      // parts differ by colour, else splits do; points tell an evaluation from training in any case
      const color = part === "" ? (split === TRAIN ? 0 : Math.max(1, lines.length)) : place;
      lines.push(lineOf(label, color % COLORS, curve, split !== TRAIN));
    }
  }
  return {
    title,
    lines,
    smooth: ![...parts.keys()].some((name) => name.startsWith("lr_")),
    main: parts.has(METRIC.loss),
    steps: [curves.first, curves.step],
  };
}

/** Colours that the page has. */
const COLORS = 8;

const titleOf = (name: string): string => {
  const words = name.replaceAll("_", " ");
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
