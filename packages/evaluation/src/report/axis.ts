/** Scales of plots: from values to places in the picture, with round numbers along the axis. */
import { formatNumber } from "./format.ts";

export interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** Round numbers that divide [low, high] into about `count` parts. */
export function roundTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Lowest and highest of the finite values, never equal; [0, 1] where there is none. */
export function rangeOf(values: Iterable<number>, margin = 0): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  if (low === high) return [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  return [low - margin * (high - low), high + margin * (high - low)];
}

/** A linear axis from the picture's `from` (lowest value) to `to`. */
export function linearAxis([low, high]: readonly [number, number], from: number, to: number, count: number): Axis {
  const place = (value: number) => from + ((value - low) / (high - low)) * (to - from);
  return { place, ticks: roundTicks(low, high, count).map((value) => ({ at: place(value), text: tickText(value) })) };
}

/** A logarithmic axis; values must be positive. */
export function logAxis([low, high]: readonly [number, number], from: number, to: number): Axis {
  const place = (value: number) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
  const parts = high / low > 1e3 ? [1] : [1, 2, 5];
  const values: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const part of parts) {
      const value = Number((part * 10 ** power).toPrecision(6));
      if (value >= low && value <= high) values.push(value);
    }
  return { place, ticks: values.map((value) => ({ at: place(value), text: tickText(value) })) };
}

function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${formatNumber(Number((value / 1e6).toPrecision(3)), undefined)} M`;
  return formatNumber(
    value,
    size >= 1 || value === 0 ? (Number.isInteger(value) ? 0 : 1) : size >= 0.1 ? 1 + Number(!isTenth(value)) : 3,
  );
}

const isTenth = (value: number): boolean => Math.abs(value * 10 - Math.round(value * 10)) < 1e-9;
