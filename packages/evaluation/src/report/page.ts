/** `report.html`: one file that shows everything, with nothing to fetch and no script. */
import type { Plot, Table } from "../suite/evaluation.ts";
import { escapeHtml, formatFigure, formatInterval, formatNumber, VERDICT_WORDS } from "./format.ts";
import { isNumeric } from "./markdown.ts";
import { melPicture } from "./mel-picture.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { colourOf, mark } from "./palette.ts";
import { drawPlot, isWide } from "./plots.ts";
import { PUBLISHED_SOURCE } from "./published.ts";
import {
  type Report,
  type ReportFigure,
  type ReportPlayer,
  type ReportSection,
  type TaskReport,
  verdictOf,
} from "./report.ts";
import {
  comparisonTable,
  FIGURE_COLUMNS,
  figureRow,
  headlines,
  NONE,
  publishedTable,
  reportTitle,
  tableFormats,
  taskFacts,
} from "./tables.ts";

/** Tables longer than this are folded. */
const OPEN_ROWS = 16;
const OPEN_COLUMNS = 14;

/**
 * The page.
 * @param sounds wav files of the players by their names; a player whose file is missing is shown without it.
 */
export function reportPage(report: Report, sounds: ReadonlyMap<string, Uint8Array>): string {
  const title = reportTitle(report);
  const tasks = report.tasks.map((task, i) => taskHtml(task, `task-${i + 1}`, sounds));
  const comparison = comparisonTable(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="uat eval">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
${navigationHtml(report)}
</header>
<main>
${comparison ? tableCard(comparison) : ""}
${tasks.join("\n")}
</main>
<footer>All numbers, with what they were measured on, are in report.json; every clip's result is in results.jsonl.</footer>
</body>
</html>
`;
}

function navigationHtml({ tasks }: Report): string {
  if (tasks.length < 2) return "";
  const several = new Set(tasks.map((task) => task.model?.sha256)).size > 1;
  const links = tasks.map((task, i) => {
    const model = several && task.model ? ` (${escapeHtml(task.model.name)})` : "";
    return `<a href="#task-${i + 1}">${escapeHtml(task.title)}${model}</a>`;
  });
  return `<nav aria-label="Parts">${links.join("")}</nav>`;
}

function taskHtml(task: TaskReport, id: string, sounds: ReadonlyMap<string, Uint8Array>): string {
  const { data, model } = task;
  const about = [
    model ? `${model.name} (${model.sha256.slice(0, 12)})` : undefined,
    `${formatNumber(data.clips)} clips`,
    `${formatNumber(data.minutes, 1)} minutes`,
    data.leftOut > 0 ? `${formatNumber(data.leftOut)} left out` : undefined,
    `seed ${task.seed}`,
    task.written.slice(0, 10),
  ].filter((text) => text !== undefined);
  return `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(task.title)}</h2>
<p class="lead">${escapeHtml(about.join(" · "))}</p>
${tilesHtml(headlines(task))}
${task.sections.map((section) => sectionHtml(section, task, sounds)).join("\n")}
<h3>How it was measured</h3>
<div class="card"><dl class="facts">${taskFacts(task)
    .map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`)
    .join("")}</dl>${leftOutHtml(task)}</div>
</section>`;
}

function tilesHtml(figures: readonly ReportFigure[]): string {
  if (figures.length === 0) return "";
  const tiles = figures.map((figure) => {
    const interval = figure.interval ? `<small>95 %: ${formatInterval(figure)}</small>` : "";
    return `<div><dt>${escapeHtml(figure.name)}</dt><dd>${escapeHtml(formatFigure(figure))}${interval}${chip(figure)}</dd></div>`;
  });
  return `<dl class="tiles">${tiles.join("")}</dl>`;
}

function chip(figure: ReportFigure): string {
  const verdict = verdictOf(figure);
  return verdict ? `<span class="chip ${verdict}">${VERDICT_WORDS[verdict]}</span>` : "";
}

function leftOutHtml({ data }: TaskReport): string {
  if (data.unreadable.length === 0) return "";
  const more = data.leftOut - data.unreadable.length;
  const items = data.unreadable.map(({ name, reason }) => `<li>${escapeHtml(name)}: ${escapeHtml(reason)}</li>`);
  if (more > 0) items.push(`<li>and ${formatNumber(more)} more</li>`);
  return `<details><summary>Clips left out</summary><ul class="notes">${items.join("")}</ul></details>`;
}

function sectionHtml(section: ReportSection, task: TaskReport, sounds: ReadonlyMap<string, Uint8Array>): string {
  const published = publishedTable(section, task);
  const plots = section.plots.map(plotHtml);
  return `<h3>${escapeHtml(section.title)}</h3>
${figuresHtml(section.figures)}
${published ? tableCard({ ...published, note: `Published: ${PUBLISHED_SOURCE}. Values compare as far as data and protocol agree.` }, true) : ""}
${plots.length > 0 ? `<div class="grid2">${plots.join("")}</div>` : ""}
${section.tables.map((table) => tableCard(table)).join("")}
${section.players.length > 0 ? `<div class="players">${section.players.map((player) => playerHtml(player, sounds)).join("")}</div>` : ""}
${section.notes.length > 0 ? `<ul class="notes">${section.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>` : ""}`;
}

function figuresHtml(figures: readonly ReportFigure[]): string {
  if (figures.length === 0) return "";
  const [name, value, ...others] = FIGURE_COLUMNS;
  const rows = figures.map((figure) => {
    const { interval, n, thresholds, verdict, value } = figureRow(figure);
    return { figure, value, cells: [interval, n, thresholds, verdict] };
  });
  const used = [...others.keys()].filter((column) => rows.some(({ cells }) => cells[column] !== NONE));
  const cls = (column: number) => (column < 2 ? "number" : "");
  const body = rows.map(({ figure, value, cells }) => {
    // a phone shows these cells below each other, with their names, and leaves out the empty ones
    const more = used.map((column) => {
      const text = cells[column]!;
      const html = column === 3 ? chip(figure) || NONE : escapeHtml(text);
      return `<td class="${cls(column)}${text === NONE ? " none" : ""}" data-label="${others[column]}">${html}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(figure.name)}</th><td class="number"><b>${escapeHtml(value)}</b></td>${more.join("")}</tr>`;
  });
  const head = used.map((column) => `<th scope="col" class="${cls(column)}">${others[column]}</th>`);
  return `<div class="card scroll" tabindex="0"><table class="figures"><thead><tr><th scope="col">${name}</th><th scope="col" class="number">${value}</th>${head.join("")}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

function tableCard(table: Table, ownRow = false): string {
  const numeric = table.columns.map((_, column) => isNumeric(table, column));
  const formats = tableFormats(table);
  const cls = (column: number) => (numeric[column] ? ' class="number"' : "");
  const head = table.columns.map((name, i) => `<th scope="col"${cls(i)}>${escapeHtml(name)}</th>`);
  const rows = table.rows.map((row, k) => {
    const cells = row.map((cell, i) => {
      const text = escapeHtml(typeof cell === "string" ? cell : formats[i]!(cell));
      return i === 0 ? `<th scope="row">${text}</th>` : `<td${cls(i)}>${text}</td>`;
    });
    return `<tr${ownRow && k === table.rows.length - 1 ? ' class="own"' : ""}>${cells.join("")}</tr>`;
  });
  const body = `<div class="scroll" tabindex="0"><table><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
  const note = table.note ? `<p class="note">${escapeHtml(table.note)}</p>` : "";
  const title = escapeHtml(table.title);
  return table.rows.length > OPEN_ROWS || table.columns.length > OPEN_COLUMNS
    ? `<div class="card"><details><summary>${title} (${formatNumber(table.rows.length)} rows)</summary>${body}${note}</details></div>`
    : `<div class="card"><h4>${title}</h4>${body}${note}</div>`;
}

function plotHtml(plot: Plot): string {
  const { svg, legend } = drawPlot(plot);
  const keys = legend.map((name, i) => {
    const sign =
      plot.kind === "scatter" ? mark(i, 6, 6, 4) : `<rect class="mark c${colourOf(i)}" width="12" height="12" rx="3"/>`;
    return `<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true">${sign}</svg>${escapeHtml(name)}</li>`;
  });
  return `<figure class="card${isWide(plot) ? " wide" : ""}"><h4>${escapeHtml(plot.title)}</h4><div class="plot scroll" tabindex="0">${svg}</div>${
    keys.length > 0 ? `<ul class="legend">${keys.join("")}</ul>` : ""
  }${plot.note ? `<figcaption>${escapeHtml(plot.note)}</figcaption>` : ""}</figure>`;
}

function playerHtml(player: ReportPlayer, sounds: ReadonlyMap<string, Uint8Array>): string {
  const cells = player.sounds.map(({ name, file }) => {
    const wav = sounds.get(file);
    const label = escapeHtml(`${player.title}: ${name}`);
    const audio = wav
      ? `<audio controls preload="metadata" aria-label="${label}" src="data:audio/wav;base64,${Buffer.from(wav).toString("base64")}"></audio>`
      : "<i>not kept</i>";
    const mel = wav && melPicture(wav);
    const picture = mel
      ? `<svg width="100%" height="96" role="img" aria-label="mel spectrogram of ${label}"><image width="100%" height="100%" preserveAspectRatio="none" href="data:image/png;base64,${Buffer.from(mel).toString("base64")}"/></svg>`
      : "";
    return `<div><span>${escapeHtml(name)}</span>${picture}${audio}</div>`;
  });
  const texts = Object.entries(player.texts).map(
    ([name, text]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`,
  );
  return `<div class="card"><h4>${escapeHtml(player.title)}</h4><div class="sounds">${cells.join("")}</div>${
    texts.length > 0 ? `<dl class="texts">${texts.join("")}</dl>` : ""
  }</div>`;
}
