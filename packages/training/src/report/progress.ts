/** The line that says how a run goes while it goes. */

import { formatNumber } from "./page-script.ts";

/** How far a run is. */
export interface ProgressState {
  readonly step: number;
  readonly totalSteps: number;
  /** Smoothed. */
  readonly loss?: number | undefined;
  readonly learningRates: readonly number[];
  /** Share of the codebook, 0 to 1. */
  readonly usage?: number | undefined;
  readonly gamma?: number | undefined;
  readonly gradientNorm?: number | undefined;
  readonly samplesPerSecond?: number | undefined;
  readonly secondsLeft?: number | undefined;
}

/**
 * The state as one line of at most `width` characters: `1,240/20,000 · loss 2.31 · codes 87 % · …`. Where it is too
 * narrow for all, what matters least is left out.
 */
export function formatProgress(state: ProgressState, width = Number.POSITIVE_INFINITY): string {
  const { loss, learningRates, usage, gamma, gradientNorm, samplesPerSecond, secondsLeft } = state;
  const number = (value: number) => formatNumber(Number(value.toPrecision(3)));
  const count = (value: number) => value.toLocaleString("en");
  /** In the order shown, each with its place in the order of importance. */
  const parts: [importance: number, text: string | undefined][] = [
    [0, `${count(state.step)}/${count(state.totalSteps)}`],
    [1, loss === undefined ? undefined : `loss ${Number.isFinite(loss) ? loss.toPrecision(4) : loss}`],
    [6, learningRates.length === 0 ? undefined : `lr ${learningRates.map(number).join("/")}`],
    [4, usage === undefined ? undefined : `codes ${(100 * usage).toFixed(0)} %`],
    [5, gamma === undefined ? undefined : `γ ${number(gamma)}`],
    [7, gradientNorm === undefined ? undefined : `|g| ${number(gradientNorm)}`],
    [3, samplesPerSecond === undefined ? undefined : `${number(samplesPerSecond)} samples/s`],
    [2, secondsLeft === undefined ? undefined : `${formatDuration(secondsLeft)} left`],
  ];
  const shown = parts.filter((part): part is [number, string] => part[1] !== undefined);
  const line = () => shown.map(([, text]) => text).join(" · ");
  while (shown.length > 1 && line().length > width) {
    const least = Math.max(...shown.map(([importance]) => importance));
    shown.splice(
      shown.findIndex(([importance]) => importance === least),
      1,
    );
  }
  return line();
}

/** `2 d 3 h`, `1 h 12 min`, `4 min 5 s`, `8 s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units: [length: number, name: string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const at = units.findIndex(([length]) => whole >= length);
  if (at < 0) return "0 s";
  const [large, small] = [units[at]!, units[at + 1]];
  const rest = small === undefined ? 0 : Math.floor((whole % large[0]) / small[0]);
  return `${Math.floor(whole / large[0])} ${large[1]}${rest > 0 ? ` ${rest} ${small![1]}` : ""}`;
}
