/** The picture of a reconstruction: mel of the input above that of the output, the codes beneath, one time axis. */
import { DECODER_MAX_HZ, hzToMel } from "@uat/audio";
import { Canvas, type Color, codeColor, drawText, heat, type MelColumns, textWidth } from "@uat/audio/plot";

const WIDTH = 1280;
const LEFT = 74;
const RIGHT = 30;
const TITLE = 84;
const PANEL = 232;
const STRIP = 58;
const SPACING = 14;
const AXIS = 58;
/** Columns of a panel. */
export const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
/** Natural logarithms of amplitude between the darkest and the brightest colour: 75 dB. */
const RANGE = 75 / (20 * Math.LOG10E);

const INK: Color = [28, 30, 38];
const GREY: Color = [112, 116, 128];
const LINE: Color = [205, 208, 215];
const WHITE: Color = [255, 255, 255];
const NOTHING: Color = [244, 245, 248];

export interface Comparison {
  readonly title: string;
  readonly subtitle: string;
  readonly input: MelColumns;
  readonly output: MelColumns;
  readonly codes: Int32Array;
  readonly frameRate: number;
  /** Seconds of the time axis. */
  readonly seconds: number;
}

export function drawComparison(c: Comparison): Canvas {
  const tops = { input: TITLE, output: TITLE + PANEL + SPACING, codes: TITLE + 2 * (PANEL + SPACING) };
  const bottom = tops.codes + STRIP;
  const canvas = new Canvas(WIDTH, bottom + AXIS, WHITE);
  drawText(canvas, fitted(c.title, 17), LEFT, 37, { size: 17, color: INK, weight: 2.3 });
  drawText(canvas, fitted(c.subtitle, 11.5), LEFT, 65, { size: 11.5, color: GREY });

  const loudest = Math.max(c.input.max(), c.output.max());
  for (const name of ["input", "output"] as const) {
    drawMel(canvas, c[name], tops[name], loudest);
    frequencyAxis(canvas, tops[name]);
    label(canvas, name, tops[name]);
  }
  drawCodes(canvas, c, tops.codes);
  drawText(canvas, "codes", LEFT - 12, tops.codes + STRIP / 2 + 5, { size: 11, color: GREY, align: "right" });
  timeAxis(canvas, c.seconds, bottom);
  return canvas;
}

function drawMel(canvas: Canvas, mel: MelColumns, top: number, loudest: number): void {
  canvas.shade(LEFT, top, PLOT_WIDTH, PANEL, (x, y) => {
    const column = ((x + 0.5) / PLOT_WIDTH) * mel.columns - 0.5;
    const band = (1 - (y + 0.5) / PANEL) * mel.bands - 0.5;
    const value = interpolate(mel, column, band);
    return value === undefined ? NOTHING : heat(1 - (loudest - value) / RANGE);
  });
}

/** Bilinear, so that few frames and 80 bands fill the panel smoothly. */
function interpolate(mel: MelColumns, column: number, band: number): number | undefined {
  const c0 = Math.max(0, Math.min(mel.columns - 1, Math.floor(column)));
  const b0 = Math.max(0, Math.min(mel.bands - 1, Math.floor(band)));
  const c1 = Math.min(mel.columns - 1, c0 + 1);
  const b1 = Math.min(mel.bands - 1, b0 + 1);
  const s = Math.max(0, Math.min(1, column - c0));
  const t = Math.max(0, Math.min(1, band - b0));
  const low = mel.value(c0, b0);
  if (low === undefined) return undefined;
  const right = mel.value(c1, b0) === undefined ? c0 : c1;
  const row = (b: number) => (1 - s) * mel.value(c0, b)! + s * mel.value(right, b)!;
  return (1 - t) * row(b0) + t * row(b1);
}

function drawCodes(canvas: Canvas, { codes, frameRate, seconds }: Comparison, top: number): void {
  const perCode = PLOT_WIDTH / (seconds * frameRate);
  canvas.fill(LEFT, top, PLOT_WIDTH, STRIP, NOTHING);
  canvas.shade(LEFT, top, PLOT_WIDTH, STRIP, (x) => {
    const at = Math.floor((x + 0.5) / perCode);
    const code = codes[at];
    // a hairline between codes, where they are wide enough: equal neighbours stay countable
    const isFirst = x > 0 && perCode >= 6 && at !== Math.floor((x - 0.5) / perCode);
    return code === undefined ? NOTHING : isFirst ? WHITE : codeColor(code);
  });
  // the numbers, where they have room
  const longest = String(codes.reduce((max, code) => Math.max(max, code), 0));
  if (perCode < textWidth(longest, 9) + 6) return;
  for (const [i, code] of codes.entries())
    drawText(canvas, String(code), LEFT + (i + 0.5) * perCode + 1.5, top + STRIP / 2 + 5, {
      size: 9,
      color: WHITE,
      align: "middle",
    });
}

function frequencyAxis(canvas: Canvas, top: number): void {
  for (const kHz of [0.5, 1, 2, 4, 8]) {
    const y = Math.round(top + PANEL * (1 - hzToMel(1000 * kHz) / hzToMel(DECODER_MAX_HZ)));
    canvas.fill(LEFT - 6, Math.max(top, y), 6, 1, GREY);
    const unit = kHz === 8 ? " kHz" : "";
    drawText(canvas, `${kHz}${unit}`, LEFT - 10, y + (kHz === 8 ? 10 : 5), { size: 10.5, color: GREY, align: "right" });
  }
}

function timeAxis(canvas: Canvas, seconds: number, bottom: number): void {
  const inMinutes = seconds >= 120;
  const step =
    [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600].find((s) => seconds / s <= 13) ??
    3600 * Math.ceil(seconds / 3600 / 13);
  canvas.fill(LEFT, bottom + 6, PLOT_WIDTH, 1, LINE);
  for (let i = 0; i * step <= seconds; i++) {
    const x = Math.round(LEFT + (PLOT_WIDTH * i * step) / seconds);
    canvas.fill(x, bottom + 6, 1, 6, GREY);
    drawText(canvas, timeLabel(i * step, step, inMinutes), x, bottom + 28, {
      size: 10.5,
      color: GREY,
      align: "middle",
    });
  }
  drawText(canvas, inMinutes ? "minutes" : "seconds", LEFT + PLOT_WIDTH, bottom + 48, {
    size: 10.5,
    color: GREY,
    align: "right",
  });
}

function timeLabel(seconds: number, step: number, inMinutes: boolean): string {
  if (inMinutes) return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;
  return seconds.toFixed(step < 0.1 ? 2 : step < 1 ? 1 : 0);
}

/** A panel's name, on a dark ground in its corner. */
function label(canvas: Canvas, text: string, top: number): void {
  canvas.fill(LEFT + 8, top + 8, Math.round(textWidth(text, 11)) + 14, 24, [0, 0, 0], 0.55);
  drawText(canvas, text, LEFT + 16, top + 25, { size: 11, color: WHITE });
}

/** Cut so that it fits above the panels. */
function fitted(text: string, size: number): string {
  let out = text;
  while (textWidth(out, size) > PLOT_WIDTH && out.length > 1) out = `${out.slice(0, -2)}…`;
  return out;
}
