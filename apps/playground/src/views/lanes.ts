/** Where each lane of the timeline lies, and how it is drawn. All lengths in CSS pixels. */
import type { Picture } from "../analysis/protocol.ts";
import { PEAK_RATE, TILE } from "../analysis/protocol.ts";
import type { Ink } from "./palette.ts";

export interface Lane {
  readonly top: number;
  readonly height: number;
}

export interface Layout {
  readonly height: number;
  readonly ruler: Lane;
  readonly inputWave: Lane | undefined;
  readonly inputMel: Lane | undefined;
  readonly arcs: Lane;
  readonly strip: Lane;
  readonly gate: Lane | undefined;
  readonly outputMel: Lane;
  readonly outputWave: Lane;
}

/** Lanes from top to bottom; the output mirrors the input about the tokens. */
export function layoutOf({ small, input, gate }: { small: boolean; input: boolean; gate: boolean }): Layout {
  let top = 0;
  const lane = (height: number, space = 0): Lane => {
    const made = { top, height };
    top += height + space;
    return made;
  };
  const [wave, mel] = small ? [40, 76] : [52, 108];
  const ruler = lane(22);
  const inputWave = input ? lane(wave) : undefined;
  const inputMel = input ? lane(mel) : undefined;
  const arcs = lane(small ? 34 : 44);
  const strip = lane(small ? 52 : 60, 12);
  const gateLane = gate ? lane(44, 10) : undefined;
  const outputMel = lane(mel);
  const outputWave = lane(wave);
  return { height: top, ruler, inputWave, inputMel, arcs, strip, gate: gateLane, outputMel, outputWave };
}

/** The part of time that is on the screen. */
export interface View {
  /** Pixels of the whole before the left edge. */
  readonly left: number;
  readonly width: number;
  /** Pixels of a second. */
  readonly second: number;
}

type Context = CanvasRenderingContext2D;

export function drawRuler(context: Context, { top, height }: Lane, { left, width, second }: View, ink: Ink): void {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30].find((s) => s * second >= 70) ?? 60;
  context.font = "11px ui-sans-serif, system-ui, sans-serif";
  context.fillStyle = ink.muted;
  context.strokeStyle = ink.line;
  context.beginPath();
  for (let i = Math.floor(left / second / step); i * step * second < left + width; i++) {
    const x = Math.round(i * step * second - left) + 0.5;
    context.moveTo(x, top + height - 6);
    context.lineTo(x, top + height);
    const text = step < 1 ? (i * step).toFixed(1) : `${i * step}`;
    context.fillText(`${text} s`, x + 4, top + height - 7);
  }
  context.stroke();
}

export function drawMel(
  context: Context,
  { top, height }: Lane,
  { left, width, second }: View,
  picture: Picture,
): void {
  context.imageSmoothingQuality = "high";
  for (const [i, tile] of picture.tiles.entries()) {
    const x = ((i * TILE) / picture.columnRate) * second - left;
    const w = (tile.width / picture.columnRate) * second;
    if (x + w < 0 || x > width) continue;
    context.drawImage(tile, x, top, w + 0.5, height);
  }
}

export function drawWave(
  context: Context,
  { top, height }: Lane,
  { left, width, second }: View,
  { peaks, duration }: Picture,
  { colour, loudest }: { colour: string; loudest: number },
): void {
  const middle = top + height / 2;
  const half = (height / 2 - 3) / Math.max(1, loudest);
  const end = Math.min(width, duration * second - left);
  context.fillStyle = colour;
  context.beginPath();
  for (let x = 0; x < end; x++) {
    const from = Math.floor(((left + x) / second) * PEAK_RATE);
    const to = Math.max(from + 1, Math.floor(((left + x + 1) / second) * PEAK_RATE));
    let [low, high] = [0, 0];
    for (let i = from; i < to && i < peaks.low.length; i++) {
      low = Math.min(low, peaks.low[i]!);
      high = Math.max(high, peaks.high[i]!);
    }
    context.rect(x, middle - high * half - 0.5, 1, (high - low) * half + 1);
  }
  context.fill();
}

export function drawTokens(
  context: Context,
  { top, height }: Lane,
  { left, width }: View,
  { codes, token, colour, text }: { codes: Int32Array; token: number; colour: (code: number) => string; text: string },
): void {
  const first = Math.max(0, Math.floor(left / token));
  const last = Math.min(codes.length, Math.ceil((left + width) / token));
  const gap = token >= 14 ? 2 : token >= 5 ? 1 : 0;
  for (let i = first; i < last; i++) {
    context.fillStyle = colour(codes[i]!);
    const x = i * token - left;
    if (token >= 9) {
      context.beginPath();
      context.roundRect(x + gap / 2, top, token - gap, height, Math.min(6, token / 4));
      context.fill();
    } else context.fillRect(x + gap / 2, top, token - gap + (gap ? 0 : 0.5), height);
    if (token >= 17) {
      context.save();
      context.translate(x + token / 2, top + height / 2);
      if (token < 44) context.rotate(-Math.PI / 2);
      context.font = "600 12px ui-sans-serif, system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillStyle = text;
      context.fillText(String(codes[i]), 0, 0);
      context.restore();
    }
  }
}

/** γ of each token as a filled curve from 0 to 1. */
export function drawGate(
  context: Context,
  { top, height }: Lane,
  { left, width }: View,
  { gate, token, ink }: { gate: Float32Array; token: number; ink: Ink },
): void {
  context.strokeStyle = ink.line;
  context.strokeRect(-1, top + 0.5, width + 2, height - 1);
  const y = (v: number) => top + 2 + (height - 4) * (1 - v);
  const first = Math.max(0, Math.floor(left / token) - 1);
  const last = Math.min(gate.length, Math.ceil((left + width) / token) + 1);
  context.beginPath();
  for (let i = first; i < last; i++) context.lineTo((i + 0.5) * token - left, y(gate[i]!));
  context.strokeStyle = ink.text;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineWidth = 1;
}

/** Bows from one token to the others of its code. */
export function drawArcs(
  context: Context,
  { top, height }: Lane,
  { left, width }: View,
  { from, to, token, colour }: { from: number; to: readonly number[]; token: number; colour: string },
): void {
  const bottom = top + height;
  const start = (from + 0.5) * token - left;
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  for (const place of to) {
    const end = (place + 0.5) * token - left;
    if (place === from || Math.max(start, end) < 0 || Math.min(start, end) > width) continue;
    const radius = Math.abs(end - start) / 2;
    const rise = Math.min(height - 4, 10 + radius / 3);
    context.moveTo(start, bottom);
    context.bezierCurveTo(start, bottom - 1.33 * rise, end, bottom - 1.33 * rise, end, bottom);
  }
  context.stroke();
  context.lineWidth = 1;
}
