/** `report.md`: the figures as text, for model cards and reviews. Plots and sounds are in report.html alone. */
import type { Table } from "../suite/evaluation.ts";
import { escapeMarkdown } from "./format.ts";
import { PUBLISHED_SOURCE } from "./published.ts";
import type { Report, ReportSection, TaskReport } from "./report.ts";
import {
  comparisonTable,
  FIGURE_COLUMNS,
  figureRow,
  publishedTable,
  reportTitle,
  tableFormats,
  taskFacts,
} from "./tables.ts";

export function reportMarkdown(report: Report): string {
  const blocks = [`# ${escapeMarkdown(reportTitle(report))}`];
  const comparison = comparisonTable(report);
  if (comparison) blocks.push(tableMarkdown(comparison, 2));
  for (const task of report.tasks) blocks.push(...taskBlocks(task));
  return `${blocks.join("\n\n")}\n`;
}

function taskBlocks(task: TaskReport): string[] {
  const blocks = [`## ${escapeMarkdown(task.title)}`];
  for (const section of task.sections) blocks.push(...sectionBlocks(section, task));
  blocks.push("### How it was measured");
  blocks.push(
    taskFacts(task)
      .map(([name, value]) => `- ${escapeMarkdown(name)}: ${escapeMarkdown(value)}`)
      .join("\n"),
  );
  if (task.data.unreadable.length > 0) {
    const reasons = task.data.unreadable.map(
      ({ name, reason }) => `- ${escapeMarkdown(name)}: ${escapeMarkdown(reason)}`,
    );
    blocks.push("Clips left out:", reasons.join("\n"));
  }
  return blocks;
}

function sectionBlocks(section: ReportSection, task: TaskReport): string[] {
  const blocks = [`### ${escapeMarkdown(section.title)}`];
  if (section.figures.length > 0) {
    const rows = section.figures.map((figure) => {
      const { value, interval, n, thresholds, verdict } = figureRow(figure);
      return [figure.name, value, interval, n, thresholds, verdict];
    });
    blocks.push(rowsMarkdown(FIGURE_COLUMNS, rows, new Set([1, 2, 3])));
  }
  const published = publishedTable(section, task);
  if (published) blocks.push(tableMarkdown(published, 4), `Source of the published figures: ${PUBLISHED_SOURCE}.`);
  for (const table of section.tables) blocks.push(tableMarkdown(table, 4));
  if (section.notes.length > 0) blocks.push(section.notes.map((note) => `- ${escapeMarkdown(note)}`).join("\n"));
  return blocks;
}

function tableMarkdown(table: Table, level: number): string {
  const numbers = new Set([...table.columns.keys()].filter((column) => isNumeric(table, column)));
  const formats = tableFormats(table);
  const rows = table.rows.map((row) => row.map((cell, i) => (typeof cell === "string" ? cell : formats[i]!(cell))));
  const note = table.note ? `\n\n${escapeMarkdown(table.note)}` : "";
  return `${"#".repeat(level)} ${escapeMarkdown(table.title)}\n\n${rowsMarkdown(table.columns, rows, numbers)}${note}`;
}

function rowsMarkdown(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: ReadonlySet<number>,
): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => escapeMarkdown(cell)).join(" | ")} |`;
  const rule = `|${columns.map((_, i) => (numbers.has(i) ? "---:" : "---")).join("|")}|`;
  return [line(columns), rule, ...rows.map(line)].join("\n");
}

/** Whether a column holds numbers, formatted or not. */
export const isNumeric = (table: Table, column: number): boolean =>
  table.rows.some((row) => row[column] !== null) &&
  table.rows.every((row) => {
    const cell = row[column];
    return typeof cell !== "string" || /^[−-]?[\d.,]+( (%|dB|Hz|s))?$|^–$/.test(cell);
  });
