/**
 * What runs in the reader's browser: curves drawn as SVG, redrawn when the page's width, the smoothing or the axis
 * change, with values under the pointer. The report draws its first picture with the same functions, so it can be read
 * without scripts too.
 *
 * The functions of this file travel into the page as their own source text ({@link pageScript}), so they use nothing
 * but each other, the language and the page.
 */

/** A curve as the page gets it; arrays have one entry a bucket of steps. */
export interface ChartLine {
  readonly name: string;
  /** Index of its colour. */
  readonly color: number;
  /** Evaluations are drawn as points joined by a line and are never smoothed. */
  readonly points: boolean;
  readonly x: readonly number[];
  /** Means of the buckets; null where no value is finite. */
  readonly y: readonly (number | null)[];
  /** Extremes, where buckets hold more than one step. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
  /** Steps at which a value was not finite. */
  readonly broken: readonly number[];
}

export interface Chart {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  /** Whether smoothing makes sense; not so for schedules. */
  readonly smooth: boolean;
  /** The report's main chart is larger. */
  readonly main: boolean;
  /** First and last step of the axis, the same in all charts of a run. */
  readonly steps: readonly [number, number];
}

export interface ChartView {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Weight of the past, 0 (none) to 1. */
  readonly smoothing: number;
  readonly log: boolean;
}

/** A number for people: four digits, thousands as k. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  let text: string;
  if (!Number.isFinite(value)) text = String(value);
  else if (size >= 1e9) text = value.toExponential(2).replace("e+", "e");
  else if (size >= 1e6) text = `${Number((value / 1e6).toPrecision(4))}M`;
  else if (size >= 1e4) text = `${Number((value / 1e3).toPrecision(4))}k`;
  else if (size === 0 || size >= 1e-3) text = String(Number(value.toPrecision(4)));
  else text = value.toExponential(2).replace(/\.?0+e/, "e");
  return text.replaceAll("-", "−");
}

export function escapeHtml(text: string): string {
  const codes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (c) => codes[c] as string);
}

/** Exponential moving average whose weights sum to one from the first value on. */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + value;
    total = weight * total + 1;
    return sum / total;
  });
}

/** Round numbers that divide a range into about `count` parts. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Round numbers of a logarithmic axis: powers of ten, with 2 and 5 between them where there are few. */
export function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  const decades = Math.log10(high / low);
  const parts = decades > 3 ? [1] : [1, 2, 5];
  const stride = Math.max(1, Math.ceil(decades / 6));
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p += stride)
    for (const part of parts) ticks.push(part * 10 ** p);
  const inside = ticks.filter((t) => t >= low * 0.999 && t <= high * 1.001).map((t) => Number(t.toPrecision(3)));
  return inside.length >= 2 ? inside : linearTicks(low, high, 4);
}

/** A step on an axis: 500, 2k, 12.5k, 1.2M. */
export function formatStep(step: number): string {
  if (step >= 1e6) return `${Number((step / 1e6).toFixed(3))}M`;
  return step >= 1e3 ? `${Number((step / 1e3).toFixed(3))}k` : String(step);
}

/** The value at a share of the sorted values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? 0;
}

/** Where steps and values lie in the picture. */
export function chartScales(chart: Chart, view: ChartView) {
  const inner = { left: 50, top: 8, right: view.width - 18, bottom: view.height - 24 };
  const curves = chart.lines.map((line) =>
    line.points || !chart.smooth || view.smoothing === 0 ? line.y : smoothed(line.y, view.smoothing),
  );
  const values = curves.flat().filter((v): v is number => v !== null);
  const log = view.log && values.some((v) => v > 0);
  const shown = (v: number | null): v is number => v !== null && (!log || v > 0);
  const used = values.filter(shown);
  // the extremes of noise may leave the picture, the curves may not
  const extremes = chart.lines.flatMap((line) => [...(line.low ?? line.y), ...(line.high ?? [])]).filter(shown);
  let low = Math.min(...used, quantile(extremes, 0.02));
  let high = Math.max(...used, quantile(extremes, 0.98));
  if (used.length === 0) [low, high] = [0, 1];
  // a level curve lies in the middle, and changes that four digits do not show are not blown up
  const size = Math.max(Math.abs(low), Math.abs(high));
  const span = high - low <= 1e-9 * size ? size || 1 : 4e-3 * size;
  if (high - low < span) {
    const middle = (low + high) / 2;
    [low, high] = [middle - span / 2, middle + span / 2];
  }
  const place = log ? Math.log : (v: number) => v;
  const margin = 0.05 * (place(high) - place(low));
  // a quantity that is never negative does not get an axis that says it could be
  const bottom = !log && low >= 0 && low < margin ? 0 : place(low) - margin;
  const top = place(high) + margin;
  const first = chart.steps[0];
  const last = Math.max(first + 1, chart.steps[1]);
  const back = log ? Math.exp : (v: number) => v;
  return {
    inner,
    curves,
    shown,
    first,
    last,
    x: (step: number) => inner.left + ((step - first) / (last - first)) * (inner.right - inner.left),
    y: (value: number) => inner.bottom - ((place(value) - bottom) / (top - bottom)) * (inner.bottom - inner.top),
    yTicks: log ? logTicks(back(bottom), back(top)) : linearTicks(bottom, top, view.height > 240 ? 6 : 4),
    xTicks: linearTicks(first, last, Math.max(2, Math.floor(view.width / 90))).filter(Number.isInteger),
  };
}

/** A chart as an SVG element. */
export function drawChart(chart: Chart, view: ChartView): string {
  const scales = chartScales(chart, view);
  const { inner, shown, x, y } = scales;
  const at = (step: number, value: number) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`;
  const path = (line: ChartLine, values: readonly (number | null)[]) => {
    let text = "";
    let open = false;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number | null;
      if (shown(value)) text += `${open ? "L" : "M"}${at(line.x[i] as number, value)}`;
      open = shown(value);
    }
    return text;
  };
  const parts: string[] = [];
  for (const tick of scales.yTicks) {
    const h = y(tick).toFixed(1);
    parts.push(`<path class="grid" d="M${inner.left},${h}H${inner.right}"/>`);
    parts.push(`<text x="${inner.left - 7}" y="${h}" dy=".33em" text-anchor="end">${formatNumber(tick)}</text>`);
  }
  for (const tick of scales.xTicks)
    parts.push(
      `<text x="${x(tick).toFixed(1)}" y="${inner.bottom + 17}" text-anchor="middle">${formatStep(tick)}</text>`,
    );
  parts.push(`<path class="axis" d="M${inner.left},${inner.bottom}H${inner.right}"/>`);

  const drawn: string[] = [];
  for (const [i, line] of chart.lines.entries()) {
    const { low, high } = line;
    if (line.points || !chart.smooth) continue;
    if (low && high) {
      const pairs = line.x.map((step, k) => [step, low[k], high[k]] as const);
      const band = pairs.filter(
        (p): p is readonly [number, number, number] => shown(p[1] ?? null) && shown(p[2] ?? null),
      );
      const upper = band.map((p) => at(p[0], p[2]));
      const lower = band.map((p) => at(p[0], p[1])).reverse();
      if (band.length > 1) drawn.push(`<path class="band c${line.color}" d="M${[...upper, ...lower].join("L")}Z"/>`);
    } else if (scales.curves[i] !== line.y) drawn.push(`<path class="raw c${line.color}" d="${path(line, line.y)}"/>`);
  }
  for (const [i, line] of chart.lines.entries()) {
    drawn.push(`<path class="line c${line.color}" d="${path(line, scales.curves[i] as readonly (number | null)[])}"/>`);
    const dots = line.x.map((step, k) => [step, line.y[k] ?? null] as const).filter((p) => shown(p[1]));
    // a single value has no line, and a hundred evaluations need no dots
    if (dots.length === 1 || (line.points && dots.length <= 60))
      for (const [step, value] of dots)
        drawn.push(
          `<circle class="dot c${line.color}" cx="${x(step).toFixed(1)}" cy="${y(value as number).toFixed(1)}" r="2.8"/>`,
        );
    for (const step of line.broken) {
      const h = x(step).toFixed(1);
      drawn.push(`<path class="broken" d="M${h},${inner.bottom}v-9"><title>not finite at step ${step}</title></path>`);
    }
  }
  // an inner SVG cuts what leaves the axes
  const box = [inner.left - 4, inner.top - 4, inner.right - inner.left + 8, inner.bottom - inner.top + 6];
  const cut = `x="${box[0]}" y="${box[1]}" width="${box[2]}" height="${box[3]}" viewBox="${box.join(" ")}"`;
  const last = lastValues(chart, view.smoothing);
  const words = chart.lines.map((line, i) => `${line.name} ends at ${last[i]}`);
  const label = `${chart.title} over steps ${scales.first} to ${scales.last}: ${words.join(", ")}`;
  return `<svg viewBox="0 0 ${view.width} ${view.height}" width="${view.width}" height="${view.height}" role="img" tabindex="0" aria-label="${escapeHtml(label)}">${parts.join("")}<svg ${cut}>${drawn.join("")}</svg></svg>`;
}

/** The values that the curves of a chart end with, as they are drawn. */
export function lastValues(chart: Chart, smoothing: number): string[] {
  return chart.lines.map((line) => {
    const values = line.points || !chart.smooth ? line.y : smoothed(line.y, smoothing);
    const last = values.findLast((value) => value !== null);
    return typeof last === "number" ? formatNumber(last) : "–";
  });
}

/** What a chart says at one step: the nearest value of every curve. */
export function valuesAt(chart: Chart, view: ChartView, step: number) {
  const scales = chartScales(chart, view);
  const near = (line: ChartLine) => {
    let best = 0;
    for (let i = 1; i < line.x.length; i++)
      if (Math.abs((line.x[i] as number) - step) < Math.abs((line.x[best] as number) - step)) best = i;
    return best;
  };
  return chart.lines.map((line, i) => {
    const k = near(line);
    return {
      line,
      step: line.x[k] as number,
      value: scales.curves[i]?.[k] ?? null,
      raw: line.y[k] ?? null,
      low: line.low?.[k] ?? null,
      high: line.high?.[k] ?? null,
    };
  });
}

/** Brings the page to life. */
export function startPage(): void {
  const charts = JSON.parse(document.getElementById("charts")?.textContent ?? "[]") as Chart[];
  const slider = document.getElementById("smoothing") as HTMLInputElement;
  const logAxis = document.getElementById("log-axis") as HTMLInputElement;
  const amount = document.getElementById("smoothing-value") as HTMLElement;
  // settings live in the address, so that they outlast a reload and can be passed on
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.has("smoothing")) slider.value = given.get("smoothing") as string;
  logAxis.checked = given.has("log");
  (document.getElementById("settings") as HTMLElement).hidden = false;

  const plots = [...document.querySelectorAll<HTMLElement>("[data-chart]")].map((element) => {
    const chart = charts[Number(element.dataset.chart)] as Chart;
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("role", "status");
    let view: ChartView;
    let at: number | undefined;
    const draw = () => {
      const width = Math.max(240, Math.floor(element.clientWidth));
      const height = chart.main ? Math.min(340, Math.max(220, Math.round(width * 0.42))) : 190;
      view = { width, height, smoothing: Number(slider.value), log: logAxis.checked };
      element.innerHTML = drawChart(chart, view);
      element.append(tip);
      const last = lastValues(chart, view.smoothing);
      for (const [i, value] of element.parentElement?.querySelectorAll(".legend b").entries() ?? [])
        value.textContent = last[i] ?? "";
      hide();
    };
    const hide = () => {
      at = undefined;
      tip.hidden = true;
      for (const mark of element.querySelectorAll(".cursor")) mark.remove();
    };
    const show = (step: number) => {
      hide();
      const all = valuesAt(chart, view, step);
      const main = all.reduce((a, b) => (Math.abs(b.step - step) < Math.abs(a.step - step) ? b : a));
      at = main.step;
      const { x, y, inner, shown } = chartScales(chart, view);
      let marks = `<path class="cursor" d="M${x(at)},${inner.top}V${inner.bottom}"/>`;
      let rows = `<b>step ${at.toLocaleString("en")}</b>`;
      for (const { line, step: own, value, raw, low, high } of all) {
        if (value === null) continue;
        if (shown(value))
          marks += `<circle class="cursor dot c${line.color}" cx="${x(own)}" cy="${y(value)}" r="3.6"/>`;
        let more = own === at ? "" : ` at ${own.toLocaleString("en")}`;
        if (low !== null && high !== null) more += ` (${formatNumber(low)} … ${formatNumber(high)})`;
        else if (raw !== null && raw !== value) more += ` (${formatNumber(raw)})`;
        rows += `<span><i class="key c${line.color}"></i>${escapeHtml(line.name)} <b>${formatNumber(value)}</b>${more}</span>`;
      }
      element.querySelector("svg")?.insertAdjacentHTML("beforeend", marks);
      tip.innerHTML = rows;
      tip.hidden = false;
      const left = x(at);
      const room = tip.offsetWidth + 14;
      tip.style.left = `${Math.max(0, left + room > view.width ? left - room : left + 14)}px`;
    };
    const point = (event: PointerEvent) => {
      const { first, last, inner } = chartScales(chart, view);
      const pixel = event.clientX - element.getBoundingClientRect().left;
      show(first + ((pixel - inner.left) / (inner.right - inner.left)) * (last - first));
    };
    element.addEventListener("pointermove", point);
    element.addEventListener("pointerdown", point);
    element.addEventListener("pointerleave", hide);
    element.addEventListener("focusout", hide);
    element.addEventListener("keydown", (event) => {
      const { first, last } = chartScales(chart, view);
      const steps = [...new Set(chart.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
      const here = at === undefined ? steps.length : steps.indexOf(at);
      const next = { ArrowLeft: steps[here - 1] ?? first, ArrowRight: steps[here + 1] ?? last, Home: first, End: last }[
        event.key
      ];
      if (event.key === "Escape") hide();
      if (next === undefined) return;
      event.preventDefault();
      show(next);
    });
    return draw;
  });

  const drawAll = () => {
    amount.textContent = slider.value;
    for (const draw of plots) draw();
  };
  const changed = () => {
    drawAll();
    history.replaceState(null, "", `#smoothing=${slider.value}${logAxis.checked ? "&log" : ""}`);
  };
  slider.addEventListener("input", changed);
  logAxis.addEventListener("change", changed);
  drawAll();
  addEventListener("resize", drawAll);
}

/** The functions above as the text of a script. */
export function pageScript(): string {
  const functions = [
    formatNumber,
    formatStep,
    escapeHtml,
    smoothed,
    linearTicks,
    logTicks,
    quantile,
    chartScales,
    drawChart,
    lastValues,
    valuesAt,
    startPage,
  ];
  // some loaders wrap functions in a helper of this name, which keeps their names
  return `const __name = (f) => f;\n${functions.map(String).join("\n")}\n${startPage.name}();`;
}
