/** Plots as SVG elements that need no script: values show on hovering by `<title>`, colours come from the page. */
import type { BarPlot, HeatPlot, HistogramPlot, LinePlot, Plot, ScatterPlot } from "../suite/evaluation.ts";
import { type Axis, linearAxis, logAxis, rangeOf } from "./axis.ts";
import { escapeHtml, formatNumber, formatShort } from "./format.ts";
import { colourOf, mark } from "./palette.ts";

const WIDTH = 520;
const HEIGHT = 340;
const BAR = 22;
const BINS = 24;
/** Names of bars and of a heat plot's rows longer than this are cut. */
const LONGEST_NAME = 38;

/** Heat plots of more columns than this take the page's width. */
const NARROW_COLUMNS = 20;
export const isWide = (plot: Plot): boolean => plot.kind === "heat" && plot.columns.length > NARROW_COLUMNS;

/** An SVG element and the names of its groups in the order of their colours. */
export interface DrawnPlot {
  readonly svg: string;
  readonly legend: readonly string[];
}

export function drawPlot(plot: Plot): DrawnPlot {
  switch (plot.kind) {
    case "scatter":
      return drawScatter(plot);
    case "bars":
      return drawBars(plot);
    case "lines":
      return drawLines(plot);
    case "histogram":
      return drawHistogram(plot);
    case "heat":
      return drawHeat(plot);
  }
}

const shorten = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);
const hover = (text: string): string => `<title>${escapeHtml(text)}</title>`;

const svg = (plot: Plot, width: number, height: number, body: string): string =>
  `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(plot.title)}">${body}</svg>`;

const FRAME = { left: 56, right: WIDTH - 14, top: 12, bottom: HEIGHT - 42 };

function frame(plot: Plot, x: Axis, y: Axis): string {
  const { left, right, top, bottom } = FRAME;
  const parts: string[] = [];
  for (const { at, text } of y.ticks)
    parts.push(
      `<path class="grid" d="M${left},${at.toFixed(1)}H${right}"/><text x="${left - 7}" y="${at.toFixed(1)}" dy=".33em" text-anchor="end">${text}</text>`,
    );
  for (const { at, text } of x.ticks)
    parts.push(`<text x="${at.toFixed(1)}" y="${bottom + 17}" text-anchor="middle">${text}</text>`);
  parts.push(`<path class="axis" d="M${left},${bottom}H${right}"/>`);
  if (plot.xLabel)
    parts.push(
      `<text class="label" x="${(left + right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(plot.xLabel)}</text>`,
    );
  if (plot.yLabel)
    parts.push(
      `<text class="label" transform="translate(13 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(plot.yLabel)}</text>`,
    );
  return parts.join("");
}

function drawScatter(plot: ScatterPlot): DrawnPlot {
  const { left, right, top, bottom } = FRAME;
  const groups = [...new Set(plot.points.map((point) => point.group ?? ""))];
  const colour = new Map(groups.map((name, i) => [name, i]));
  const x = linearAxis(
    rangeOf(
      plot.points.map((point) => point.x),
      0.04,
    ),
    left,
    right,
    6,
  );
  const y = linearAxis(
    rangeOf(
      plot.points.map((point) => point.y),
      0.04,
    ),
    bottom,
    top,
    6,
  );
  const radius = plot.points.length > 600 ? 2.4 : 3.6;
  const marks = plot.points
    .filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y))
    .map((point) => {
      const title = [point.group, point.name].filter((text) => text).join(": ");
      return mark(colour.get(point.group ?? "")!, x.place(point.x), y.place(point.y), radius, title && hover(title));
    });
  return {
    svg: svg(plot, WIDTH, HEIGHT, frame(plot, x, y) + marks.join("")),
    legend: groups.length === 1 && groups[0] === "" ? [] : groups,
  };
}

function drawBars(plot: BarPlot): DrawnPlot {
  const left = 14 + 6.4 * Math.max(4, ...plot.bars.map((bar) => shorten(bar.name).length));
  const bottom = 8 + BAR * plot.bars.length;
  const height = bottom + (plot.xLabel ? 42 : 24);
  const values = plot.bars.flatMap((bar) => [bar.value, ...(bar.interval ?? [])]).filter(Number.isFinite);
  const [low, high] = rangeOf([0, ...values]);
  const x = linearAxis([low, high + 0.12 * (high - low)], left, WIDTH - 14, 5);
  const zero = x.place(0);
  const parts = x.ticks.map(
    ({ at, text }) =>
      `<path class="grid" d="M${at.toFixed(1)},4V${bottom}"/><text x="${at.toFixed(1)}" y="${bottom + 15}" text-anchor="middle">${text}</text>`,
  );
  for (const [i, { name, value, interval }] of plot.bars.entries()) {
    const y = 8 + BAR * i;
    const middle = (y + BAR / 2 - 1).toFixed(1);
    const shown = `${formatShort(value)}${plot.unit ? ` ${plot.unit}` : ""}`;
    const title = hover(
      `${name}: ${shown}${interval ? ` (${formatShort(interval[0])} to ${formatShort(interval[1])})` : ""}`,
    );
    parts.push(
      `<text class="ink" x="${left - 7}" y="${middle}" dy=".33em" text-anchor="end">${escapeHtml(shorten(name))}${title}</text>`,
    );
    if (!Number.isFinite(value)) {
      parts.push(`<text x="${zero + 6}" y="${middle}" dy=".33em">–</text>`);
      continue;
    }
    const end = x.place(value);
    parts.push(
      `<rect class="fill c0" x="${Math.min(zero, end).toFixed(1)}" y="${y + 3}" width="${Math.abs(end - zero).toFixed(1)}" height="${BAR - 8}" rx="2">${title}</rect>`,
    );
    let right = Math.max(zero, end);
    if (interval) {
      const [from, to] = [x.place(interval[0]), x.place(interval[1])];
      right = Math.max(right, to);
      parts.push(
        `<path class="whisker" d="M${from.toFixed(1)},${middle}H${to.toFixed(1)}m0,-4v8M${from.toFixed(1)},${middle}m0,-4v8"/>`,
      );
    }
    parts.push(`<text x="${(right + 6).toFixed(1)}" y="${middle}" dy=".33em">${escapeHtml(shown)}</text>`);
  }
  parts.push(`<path class="axis" d="M${zero.toFixed(1)},4V${bottom}"/>`);
  if (plot.xLabel)
    parts.push(
      `<text class="label" x="${(left + WIDTH) / 2}" y="${height - 5}" text-anchor="middle">${escapeHtml(plot.xLabel)}</text>`,
    );
  return { svg: svg(plot, WIDTH, height, parts.join("")), legend: [] };
}

function drawLines(plot: LinePlot): DrawnPlot {
  const { left, right, top, bottom } = FRAME;
  const xs = plot.lines.flatMap((line) => line.x).filter((value) => !plot.logX || value > 0);
  const range = rangeOf(xs);
  const x = plot.logX ? logAxis(range, left, right) : linearAxis(range, left, right, 6);
  const y = linearAxis(rangeOf([0, ...plot.lines.flatMap((line) => line.y)]), bottom, top, 6);
  const parts = plot.lines.map((line, i) => {
    const points = line.x
      .map((value, k) => [value, line.y[k]!] as const)
      .filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b) && (!plot.logX || a > 0))
      .map(([a, b]) => `${x.place(a).toFixed(1)},${y.place(b).toFixed(1)}`);
    if (points.length === 0) return "";
    return `<path class="line c${colourOf(i)}" d="M${points.join("L")}">${hover(line.name)}</path>`;
  });
  return {
    svg: svg(plot, WIDTH, HEIGHT, frame(plot, x, y) + parts.join("")),
    legend: plot.lines.length > 1 ? plot.lines.map((line) => line.name) : [],
  };
}

function drawHistogram(plot: HistogramPlot): DrawnPlot {
  const { left, right, top, bottom } = FRAME;
  const [low, high] = rangeOf(plot.groups.flatMap((group) => group.values));
  const counts = plot.groups.map(({ values }) => {
    const bins = new Array<number>(BINS).fill(0);
    for (const value of values)
      if (Number.isFinite(value)) bins[Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS))]!++;
    return bins.map((count) => count / Math.max(1, values.length));
  });
  const x = linearAxis([low, high], left, right, 6);
  const y = linearAxis(rangeOf([0, ...counts.flat()]), bottom, top, 5);
  const parts = counts.map((shares, i) => {
    const steps = shares.map((share, k) => {
      const end = low + ((high - low) * (k + 1)) / BINS;
      return `V${y.place(share).toFixed(1)}H${x.place(end).toFixed(1)}`;
    });
    return `<path class="area c${colourOf(i)}" d="M${left},${bottom}${steps.join("")}V${bottom}Z">${hover(plot.groups[i]!.name)}</path>`;
  });
  return {
    svg: svg(plot, WIDTH, HEIGHT, frame({ ...plot, yLabel: plot.yLabel ?? "Share" }, x, y) + parts.join("")),
    legend: plot.groups.length > 1 ? plot.groups.map((group) => group.name) : [],
  };
}

function drawHeat(plot: HeatPlot): DrawnPlot {
  const longest = (names: readonly string[]) => 8 + 6.2 * Math.max(3, ...names.map((name) => shorten(name).length));
  const left = longest(plot.rows) + (plot.yLabel ? 20 : 0);
  // slanted names of narrow columns would lie on each other
  const upright = plot.columns.length > NARROW_COLUMNS;
  const above = longest(plot.columns) * (upright ? 0.86 : 0.72) + 8;
  const cell = Math.max(14, Math.min(44, (WIDTH - left - 40) / Math.max(1, plot.columns.length)));
  // slanted names lean out of the picture on the right
  const lean = upright ? 12 : above * 0.8;
  const width = Math.max(WIDTH, left + cell * plot.columns.length + lean);
  const height = above + cell * plot.rows.length + (plot.xLabel ? 26 : 8);
  const most = Math.max(...plot.values.flat().filter(Number.isFinite), 1e-12);
  const parts: string[] = [];
  for (const [j, name] of plot.columns.entries())
    parts.push(
      `<text${upright ? ' class="small" dy=".33em"' : ""} transform="translate(${(left + cell * (j + 0.5)).toFixed(1)} ${(above - 6).toFixed(1)}) rotate(${upright ? -90 : -45})">${escapeHtml(shorten(name))}</text>`,
    );
  for (const [i, row] of plot.values.entries()) {
    const y = above + cell * i;
    parts.push(
      `<text class="ink${upright ? " small" : ""}" x="${left - 6}" y="${(y + cell / 2).toFixed(1)}" dy=".33em" text-anchor="end">${escapeHtml(shorten(plot.rows[i] ?? ""))}</text>`,
    );
    for (const [j, value] of row.entries()) {
      if (!Number.isFinite(value)) continue;
      const x = left + cell * j;
      const title = hover(`${plot.rows[i]} → ${plot.columns[j]}: ${formatNumber(value)}`);
      const share = Math.max(0, value) / most;
      parts.push(
        `<rect class="cell" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(cell - 1).toFixed(1)}" height="${(cell - 1).toFixed(1)}" fill-opacity="${share.toFixed(3)}">${title}</rect>`,
      );
      if (cell >= 20 && value !== 0)
        parts.push(
          `<text class="${share > 0.55 ? "over" : "ink"}" x="${(x + cell / 2).toFixed(1)}" y="${(y + cell / 2).toFixed(1)}" dy=".33em" text-anchor="middle" pointer-events="none">${formatNumber(value, Number.isInteger(value) ? 0 : 2)}</text>`,
        );
    }
  }
  parts.push(
    `<path class="axis" d="M${left - 1},${above - 1}h${cell * plot.columns.length}v${cell * plot.rows.length}h${-cell * plot.columns.length}Z"/>`,
  );
  if (plot.xLabel)
    parts.push(
      `<text class="label" x="${left + (cell * plot.columns.length) / 2}" y="${height - 8}" text-anchor="middle">${escapeHtml(plot.xLabel)}</text>`,
    );
  if (plot.yLabel)
    parts.push(
      `<text class="label" transform="translate(13 ${above + (cell * plot.rows.length) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(plot.yLabel)}</text>`,
    );
  return { svg: svg(plot, Math.round(width), Math.round(height), parts.join("")), legend: [] };
}
