/**
 * `report.html`: one file that shows a run to people. Nothing is fetched: pictures and sounds are in it, curves are
 * drawn by a few functions that travel with it, and its size is bounded whatever the run's length.
 */

import { chartSections, METRIC } from "./charts.ts";
import { type Curves, TRAIN } from "./curves.ts";
import { type Chart, drawChart, escapeHtml, formatNumber, lastValues, pageScript, smoothed } from "./page-script.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { formatDuration } from "./progress.ts";
import { samplesHtml } from "./report-samples.ts";
import type { DataSource, RunInfo, RunStatus } from "./run-info.ts";
import type { SampleStore } from "./samples.ts";

/** Weight of the past in the curves as they are first shown. */
const SMOOTHING = 0.6;
/** Rows of the table beside a curve. */
const TABLE_ROWS = 12;

export interface Report {
  readonly info: RunInfo;
  readonly status: RunStatus;
  readonly curves: Curves;
  readonly samples: SampleStore;
  readonly machine: Readonly<Record<string, string>>;
  /** The step this process went on from. */
  readonly resumeStep: number | undefined;
  /** Seconds that this process has run. */
  readonly seconds: number;
  /** Steps that this process has made. */
  readonly steps: number;
  readonly written: Date;
}

/** The page. */
export function reportPage(report: Report): string {
  const sections = chartSections(report.curves);
  const charts = sections.flatMap((section) => section.charts);
  let number = 0;
  const body = sections
    .map(
      ({ title, charts }) =>
        `<section><h2>${escapeHtml(title)}</h2><div class="charts">${charts.map((c) => chartHtml(c, number++)).join("")}</div></section>`,
    )
    .join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="uat train">
<link rel="icon" href="data:,">
<title>${escapeHtml(report.info.title)}: training</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${headerHtml(report)}
<main>
<form id="settings" hidden>
<label>Smoothing <input id="smoothing" type="range" min="0" max="0.99" step="0.01" value="${SMOOTHING}" autocomplete="off"> <output id="smoothing-value" for="smoothing">${SMOOTHING}</output></label>
<label><input id="log-axis" type="checkbox" autocomplete="off"> Logarithmic axis</label>
</form>
${body || '<p class="note">No step has been made yet.</p>'}
${samplesHtml(report.samples)}
${factsHtml(report)}
</main>
<footer>Written ${escapeHtml(report.written.toISOString().replace("T", " ").slice(0, 19))} UTC. Every value of every step is in metrics.jsonl.</footer>
<script type="application/json" id="charts">${JSON.stringify(charts).replaceAll("<", "\\u003c")}</script>
<script>
${pageScript()}
</script>
</body>
</html>
`;
}

function headerHtml({ info, status, curves, resumeStep, seconds, steps }: Report): string {
  const { step } = curves;
  const total = info.totalSteps;
  const words = { running: "Running", finished: "Finished", stopped: "Stopped", failed: "Failed" }[status.state];
  const loss = curves.splits(METRIC.loss);
  const tiles: (readonly [name: string, value: string, small?: string | undefined])[] = [];
  tiles.push(["Step", formatCount(step), total === undefined ? undefined : `of ${formatCount(total)}`]);
  const latest = (name: string) => {
    const means = curves.splits(name).get(TRAIN)?.buckets() ?? [];
    const values = means.map((bucket) => (Number.isNaN(bucket.mean) ? null : bucket.mean));
    return smoothed(values, SMOOTHING).findLast((value) => value !== null) ?? undefined;
  };
  const train = latest(METRIC.loss);
  if (train !== undefined) {
    const last = loss.get(TRAIN)?.last;
    tiles.push(["Loss", formatNumber(train), last === undefined ? undefined : `last step ${formatNumber(last)}`]);
  }
  for (const [split, curve] of loss) {
    if (split === TRAIN || curve.smallest === undefined) continue;
    tiles.push([
      `Best ${split} loss`,
      formatNumber(curve.smallest.value),
      `at step ${formatCount(curve.smallest.step)}`,
    ]);
  }
  const usage = latest(METRIC.usage);
  if (usage !== undefined) tiles.push(["Codebook in use", `${(100 * usage).toFixed(1)} %`]);
  const gamma = latest(METRIC.gamma);
  if (gamma !== undefined) tiles.push(["γ", formatNumber(gamma)]);
  const speed = latest(METRIC.samplesPerSecond);
  if (speed !== undefined) tiles.push(["Speed", formatNumber(speed), "samples a second"]);
  if (seconds >= 1) {
    const left =
      status.state === "running" && total !== undefined && steps > 0 ? ((total - step) * seconds) / steps : 0;
    const since = resumeStep === undefined ? undefined : `since step ${formatCount(resumeStep)}`;
    tiles.push(["Time", formatDuration(seconds), left > 0 ? `${formatDuration(left)} left` : since]);
  }
  const share = total ? Math.min(100, (100 * step) / total) : 0;
  return `<header><div>
<div class="top"><h1>${escapeHtml(info.title)}</h1><span class="chip ${status.state}">${words}</span></div>
${status.reason ? `<p class="note ${status.state}">${escapeHtml(status.reason)}</p>` : ""}
${total === undefined ? "" : `<div class="bar" role="progressbar" aria-label="steps done" aria-valuenow="${share.toFixed(0)}" aria-valuemin="0" aria-valuemax="100"><i style="width:${share.toFixed(1)}%"></i></div>`}
<dl class="tiles">${tiles.map(([name, value, small]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}${small ? `<small>${escapeHtml(small)}</small>` : ""}</dd></div>`).join("")}</dl>
</div></header>`;
}

function chartHtml(chart: Chart, number: number): string {
  const size = chart.main ? { width: 1110, height: 340 } : { width: 530, height: 190 };
  const last = lastValues(chart, SMOOTHING);
  const legend = chart.lines.map((line, i) => {
    const key = `<i class="key c${line.color}${line.points ? " points" : ""}"></i>`;
    return `<li>${key}${escapeHtml(line.name)} <b>${last[i]}</b></li>`;
  });
  return `<figure class="card${chart.main ? " main" : ""}"><figcaption><h3>${escapeHtml(chart.title)}</h3></figcaption>
<ul class="legend">${legend.join("")}</ul>
<div class="plot" data-chart="${number}">${drawChart(chart, { ...size, smoothing: SMOOTHING, log: false })}</div>
<details><summary>Table</summary><div class="scroll">${tableHtml(chart)}</div></details></figure>`;
}

/** The curves as numbers, at a dozen steps. */
function tableHtml(chart: Chart): string {
  const steps = [...new Set(chart.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const count = Math.min(TABLE_ROWS, steps.length);
  const chosen = Array.from(
    { length: count },
    (_, i) => steps[Math.round((i * (steps.length - 1)) / Math.max(1, count - 1))]!,
  );
  const cell = (text: string) => `<td class="number">${text}</td>`;
  const rows = chosen.map((step) => {
    const values = chart.lines.map((line) => {
      // the latest value up to this step: evaluations are rarer than steps
      const k = line.x.findLastIndex((x) => x <= step);
      const value = k < 0 ? null : (line.y[k] ?? null);
      return cell(value === null ? "–" : formatNumber(value));
    });
    return `<tr><th scope="row">${formatCount(step)}</th>${values.join("")}</tr>`;
  });
  const names = chart.lines.map((line) => `<th scope="col" class="number">${escapeHtml(line.name)}</th>`);
  return `<table><thead><tr><th scope="col">step</th>${names.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function factsHtml({ info, machine, resumeStep }: Report): string {
  const list = (facts: Readonly<Record<string, string | number | undefined>>) =>
    `<dl>${Object.entries(facts)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        const text = typeof value === "number" ? formatCount(value) : String(value);
        return `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`;
      })
      .join("")}</dl>`;
  const run = {
    Command: info.command,
    Seed: String(info.seed),
    Steps: info.totalSteps,
    "Resumed from step": resumeStep,
    ...info.facts,
  };
  return `<section><h2>About this run</h2><div class="facts">
<div class="card"><h3>Run</h3>${list(run)}</div>
<div class="card"><h3>Machine and versions</h3>${list({ ...machine, ...info.versions })}</div>
${sourcesHtml(info)}
<div class="card wide"><h3>Configuration</h3><pre tabindex="0">${escapeHtml(info.config)}</pre></div>
</div></section>`;
}

function sourcesHtml({ sources }: RunInfo): string {
  if (sources.length === 0) return "";
  const given = <T>(value: T | undefined, text: (value: T) => string) =>
    value === undefined ? undefined : text(value);
  const columns: readonly (readonly [title: string, text: (s: DataSource) => string | undefined, number?: boolean])[] =
    [
      ["Source", (s) => s.name],
      ["Used for", (s) => s.split],
      ["Clips", (s) => given(s.rows, formatCount), true],
      ["Length", (s) => given(s.seconds, formatHours), true],
      ["Weight", (s) => given(s.weight, formatNumber), true],
      ["Licence", (s) => s.licence],
    ];
  const used = columns.filter(([, text]) => sources.some((s) => text(s) !== undefined));
  const style = (number?: boolean) => (number ? ' class="number"' : "");
  const head = used.map(([title, , number]) => `<th scope="col"${style(number)}>${title}</th>`).join("");
  const rows = sources.map(
    (s) =>
      `<tr>${used.map(([, text, number]) => `<td${style(number)}>${escapeHtml(text(s) ?? "–")}</td>`).join("")}</tr>`,
  );
  return `<div class="card wide"><h3>Data</h3><div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div></div>`;
}

/** Lengths of data are compared in hours. */
const formatHours = (seconds: number) =>
  seconds < 3600 ? formatDuration(seconds) : `${formatNumber(seconds / 3600)} h`;

const formatCount = (value: number) => value.toLocaleString("en");
