/** What pictures of sound have in common: a mel spectrogram in colours, axes of frequency and time, names of panels. */
import { DECODER_MAX_HZ, hzToMel } from "@uat/audio";
import { type Canvas, type Color, drawText, heat, type MelColumns, textWidth } from "@uat/audio/plot";

/** Pixels across a picture, and of its margins. */
export const WIDTH = 1280;
export const LEFT = 74;
const RIGHT = 30;
/** Columns of a panel. */
export const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
/** Rows of a spectrogram. */
export const PANEL = 232;
/** Rows that the time axis takes. */
export const AXIS = 58;
/** Natural logarithms of amplitude between the darkest and the brightest colour: 75 dB. */
const RANGE = 75 / (20 * Math.LOG10E);

export const INK: Color = [28, 30, 38];
export const GREY: Color = [112, 116, 128];
export const LINE: Color = [205, 208, 215];
export const WHITE: Color = [255, 255, 255];
/** Where there is no sound. */
export const NOTHING: Color = [244, 245, 248];

/** A spectrogram whose brightest colour is `loudest` (natural logarithm of amplitude). */
export function drawMel(canvas: Canvas, mel: MelColumns, top: number, loudest: number): void {
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

/** Kilohertz to the left of a spectrogram. */
export function frequencyAxis(canvas: Canvas, top: number): void {
  for (const kHz of [0.5, 1, 2, 4, 8]) {
    const y = Math.round(top + PANEL * (1 - hzToMel(1000 * kHz) / hzToMel(DECODER_MAX_HZ)));
    canvas.fill(LEFT - 6, Math.max(top, y), 6, 1, GREY);
    const unit = kHz === 8 ? " kHz" : "";
    drawText(canvas, `${kHz}${unit}`, LEFT - 10, y + (kHz === 8 ? 10 : 5), { size: 10.5, color: GREY, align: "right" });
  }
}

/** Seconds, or minutes, below the panels. */
export function timeAxis(canvas: Canvas, seconds: number, bottom: number): void {
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
export function label(canvas: Canvas, text: string, top: number): void {
  canvas.fill(LEFT + 8, top + 8, Math.round(textWidth(text, 11)) + 14, 24, [0, 0, 0], 0.55);
  drawText(canvas, text, LEFT + 16, top + 25, { size: 11, color: WHITE });
}

/** Cut so that it fits above the panels. */
export function fitted(text: string, size: number): string {
  let out = text;
  while (textWidth(out, size) > PLOT_WIDTH && out.length > 1) out = `${out.slice(0, -2)}…`;
  return out;
}
