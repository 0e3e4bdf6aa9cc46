/** Numbers and text for people. */
import type { ReportFigure, Verdict } from "./report.ts";

/** A number with as many digits as its size deserves, or `digits` after the point; a dash where there is none. `short`
 * leaves out zeros at the end. */
export function formatNumber(value: number | null | undefined, digits?: number, short = false): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const places = digits ?? (Number.isInteger(value) || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
  const text = value.toLocaleString("en", { minimumFractionDigits: short ? 0 : places, maximumFractionDigits: places });
  // a rounded-away sign would say that something is below nought
  return (/^-[0.,]*$/.test(text) ? text.slice(1) : text).replace("-", "−");
}

/** A number in few digits, as it stands beside a bar. */
export const formatShort = (value: number): string =>
  Number.isFinite(value) ? formatNumber(Number(value.toPrecision(3)), undefined, true) : "–";

/** Formats a column of numbers with as many digits for all as the one with most needs, three at most. */
export function columnFormat(cells: readonly (string | number | null | undefined)[]): (value: number | null) => string {
  const places = cells.map((cell) =>
    typeof cell === "number" && Number.isFinite(cell)
      ? (/\.(\d+)/.exec(cell.toFixed(3).replace(/0+$/, ""))?.[1]?.length ?? 0)
      : 0,
  );
  const most = Math.max(0, ...places);
  return (value) => formatNumber(value, most);
}

const withUnit = (text: string, unit: string | undefined): string => (unit === undefined ? text : `${text} ${unit}`);

export const formatFigure = ({ value, unit, digits }: ReportFigure): string =>
  value === null ? "–" : withUnit(formatNumber(value, digits), unit);

export const formatInterval = ({ interval, value, digits }: ReportFigure): string => {
  if (!interval || value === null) return "–";
  const places = digits ?? (Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 10 ? 2 : 3);
  return `${formatNumber(interval[0], places)} to ${formatNumber(interval[1], places)}`;
};

/** `must ≤ 8, aim ≤ 3`; empty without thresholds. */
export function formatThresholds({ better, must, aim, digits }: ReportFigure): string {
  const sign = better === "lower" ? "≤" : "≥";
  const part = (word: string, value: number | undefined) =>
    value === undefined ? [] : [`${word} ${sign} ${formatNumber(value, digits ?? (Number.isInteger(value) ? 0 : 2))}`];
  return [...part("must", must), ...part("aim", aim)].join(", ");
}

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  aim: "aim met",
  must: "met",
  missed: "missed",
  unmeasured: "not measured",
};

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML, also within quoted attributes. Control characters, which names of files may hold, become visible. */
export const escapeHtml = (text: string): string => plain(text).replace(/[&<>"']/g, (c) => ESCAPES[c] as string);

/** Text for a line or a cell of Markdown. */
export const escapeMarkdown = (text: string): string =>
  plain(text)
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>|#&~]/g, "\\$&");

/** Without control characters and without the marks that turn the direction of text. */
const plain = (text: string): string =>
  text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (c) => (/\s/.test(c) ? c : "�"));
