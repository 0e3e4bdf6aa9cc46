/** What the page and the Markdown say in the same words: facts, figures, comparisons. */
import type { Table } from "../suite/evaluation.ts";
import { columnFormat, formatFigure, formatInterval, formatNumber, formatThresholds, VERDICT_WORDS } from "./format.ts";
import { PUBLISHED_MEASURES, PUBLISHED_SYSTEMS, type PublishedMeasure } from "./published.ts";
import {
  modelTitle,
  type Report,
  type ReportFigure,
  type ReportSection,
  type TaskReport,
  verdictOf,
} from "./report.ts";

/** A row of figures as text. */
export interface FigureRow {
  readonly figure: ReportFigure;
  readonly value: string;
  readonly interval: string;
  readonly n: string;
  readonly thresholds: string;
  readonly verdict: string;
}

export const FIGURE_COLUMNS = ["Figure", "Value", "95 % interval", "Measured on", "Threshold", "Verdict"] as const;

/** What stands in a cell that says nothing. */
export const NONE = "–";

/** How the numbers of each column are written. */
export const tableFormats = (table: Table): ((value: number | null) => string)[] =>
  table.columns.map((_, column) => columnFormat(table.rows.map((row) => row[column])));

export function figureRow(figure: ReportFigure): FigureRow {
  const verdict = verdictOf(figure);
  return {
    figure,
    value: formatFigure(figure),
    interval: formatInterval(figure),
    n: figure.n === undefined ? NONE : `${formatNumber(figure.n)} ${figure.of ?? "clips"}`,
    thresholds: formatThresholds(figure) || NONE,
    verdict: verdict ? VERDICT_WORDS[verdict] : NONE,
  };
}

/** Published systems and one's own, where the section has values to compare; the last row is one's own. */
export function publishedTable(section: ReportSection, task: TaskReport): Table | undefined {
  const measures = (Object.keys(PUBLISHED_MEASURES) as PublishedMeasure[]).filter((measure) =>
    Number.isFinite(section.published[measure]),
  );
  if (measures.length === 0) return undefined;
  const cell = (measure: PublishedMeasure, value: number | undefined) =>
    value === undefined ? null : formatNumber(value, PUBLISHED_MEASURES[measure].digits);
  const systems = PUBLISHED_SYSTEMS.filter((system) =>
    measures.some((measure) => system.values[measure] !== undefined),
  );
  return {
    title: "Beside published figures",
    columns: ["System", "codes/s", "bit/s", ...measures.map((measure) => PUBLISHED_MEASURES[measure].name)],
    rows: [
      ...systems.map(({ name, frameRate, bitsPerSecond, values }) => [
        name,
        String(frameRate),
        String(bitsPerSecond),
        ...measures.map((measure) => cell(measure, values[measure])),
      ]),
      [
        task.model?.name ?? "this run",
        task.model?.rates ? String(task.model.rates.frameRate) : null,
        task.model?.rates ? String(task.model.rates.bitsPerSecond) : null,
        ...measures.map((measure) => cell(measure, section.published[measure])),
      ],
    ],
  };
}

/** Everything that decided a part's figures, for people. */
export function taskFacts(task: TaskReport): readonly (readonly [name: string, value: string])[] {
  const { data, model } = task;
  const facts: [string, string][] = [["Protocol", task.protocol]];
  if (model) facts.push(["Model", model.name], ["SHA-256 of its files", model.sha256]);
  facts.push(
    ["Inputs", data.inputs.join(", ")],
    [
      "Data",
      `${formatNumber(data.clips)} clips, ${formatNumber(data.minutes, 1)} minutes measured${data.leftOut > 0 ? `, ${formatNumber(data.leftOut)} left out` : ""}`,
    ],
    ["SHA-256 of the list of clips", data.sha256],
    ["Seed", String(task.seed)],
    [
      "Intervals",
      "95 %, percentile bootstrap of 1,000 samples over clips, or over speakers or recordings where there are ten or more that clips share",
    ],
  );
  for (const [name, value] of Object.entries(task.facts)) facts.push([name, String(value)]);
  for (const [name, value] of Object.entries(task.machine)) facts.push([name, value]);
  facts.push(["Command", task.command], ["Written", `${task.written.replace("T", " ").slice(0, 19)} UTC`]);
  return facts;
}

/** One row a headline figure, one column a model; only where there is more than one model. */
export function comparisonTable({ tasks }: Report): Table | undefined {
  const models = [...new Set(tasks.map((task) => modelTitle(task)).filter((name) => name !== undefined))];
  if (models.length < 2) return undefined;
  const rows = new Map<string, (string | null)[]>();
  for (const task of tasks) {
    const column = models.indexOf(modelTitle(task) ?? "");
    if (column < 0) continue;
    for (const section of task.sections)
      for (const figure of section.figures.filter((one) => one.headline)) {
        const name = `${task.title}: ${figure.name}`;
        const row = rows.get(name) ?? models.map(() => null);
        row[column] = formatFigure(figure);
        rows.set(name, row);
      }
  }
  if (rows.size === 0) return undefined;
  return {
    title: "Models side by side",
    columns: ["Figure", ...models],
    rows: [...rows].map(([name, values]) => [name, ...values]),
  };
}

export const headlines = (task: TaskReport): readonly ReportFigure[] =>
  task.sections.flatMap((section) => section.figures.filter((figure) => figure.headline));

/** Who is evaluated: the model's name, or the tasks where there is no single model. */
export function reportTitle({ tasks }: Report): string {
  const models = [...new Set(tasks.map((task) => task.model?.name).filter((name) => name !== undefined))];
  if (models.length === 1) return `Evaluation of ${models[0]}`;
  return models.length === 0 ? "Evaluation" : `Evaluation of ${models.length} models`;
}
