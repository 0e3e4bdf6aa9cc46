/** Learning rates over the steps of a run. A step's number counts from 0: the first update uses `schedule(0)`. */
import { TrainingError } from "../errors.ts";

/** The value at a step; steps past the end of a run keep its last value. */
export type Schedule = (step: number) => number;

/** Where a linear warm-up begins, whatever it leads to. */
export const WARMUP_START = 1e-6;

interface Warmup {
  /** Steps over which the rate rises linearly from 1e-6; 0 by default. */
  readonly warmupSteps?: number;
}

/** The same rate throughout, after the warm-up. */
export function constant(options: Warmup & { readonly learningRate: number }): Schedule {
  const { learningRate, warmupSteps = 0 } = options;
  checkRate("learning rate", learningRate);
  return withWarmup(warmupSteps, learningRate, () => learningRate);
}

/**
 * Half a cosine from `learningRate` down to `minimum`, from the end of the warm-up to `totalSteps`
 * (Loshchilov & Hutter, "SGDR", arXiv 1608.03983, equation 5, without restarts).
 */
export function cosine(
  options: Warmup & { readonly learningRate: number; readonly minimum: number; readonly totalSteps: number },
): Schedule {
  const { learningRate, minimum, totalSteps, warmupSteps = 0 } = options;
  checkRate("learning rate", learningRate);
  checkRate("minimum learning rate", minimum);
  checkSteps(totalSteps, warmupSteps);
  return withWarmup(warmupSteps, learningRate, (step) =>
    step >= totalSteps ? minimum : annealed(learningRate, minimum, (step - warmupSteps) / (totalSteps - warmupSteps)),
  );
}

interface OneCycle extends Warmup {
  readonly totalSteps: number;
  /** Share of the steps after the warm-up in which the rate rises; 0.3 by default. */
  readonly risingShare?: number;
}

/**
 * One cycle, as torch's OneCycleLR with `anneal_strategy="cos"`: from maximum / `startDivisor` (25) up to `maximum`, then
 * down to the start's 1 / `endDivisor` (1e4). Smith & Topin, "Super-convergence", arXiv 1708.07120.
 */
export function oneCycle(
  options: OneCycle & { readonly maximum: number; readonly startDivisor?: number; readonly endDivisor?: number },
): Schedule {
  const { maximum, startDivisor = 25, endDivisor = 1e4 } = options;
  checkRate("learning rate", maximum);
  const start = maximum / startDivisor;
  const cycle = cycleOf(options, start, maximum, start / endDivisor);
  return withWarmup(options.warmupSteps ?? 0, start, cycle);
}

/**
 * β₁ over one cycle, as OneCycleLR's `cycle_momentum` has it: high where the learning rate is low. Through the warm-up it
 * keeps `maximum`.
 */
export function oneCycleMomentum(
  options: OneCycle & { readonly minimum?: number; readonly maximum?: number },
): Schedule {
  const { minimum = 0.85, maximum = 0.95, warmupSteps = 0 } = options;
  const cycle = cycleOf(options, maximum, minimum, maximum);
  return (step) => (step < warmupSteps ? maximum : cycle(step));
}

/** start → peak → end, each by half a cosine. The last step of each part has the part's last value. */
function cycleOf(options: OneCycle, start: number, peak: number, end: number): Schedule {
  const { totalSteps, warmupSteps = 0, risingShare = 0.3 } = options;
  checkSteps(totalSteps, warmupSteps);
  if (!(risingShare >= 0 && risingShare <= 1))
    throw new TrainingError(`one-cycle schedule: the rising share is ${risingShare}; expected a number from 0 to 1`);
  const steps = totalSteps - warmupSteps;
  const top = risingShare * steps - 1;
  const last = steps - 1;
  return (step) => {
    const s = Math.min(step - warmupSteps, last);
    if (s <= top) return annealed(start, peak, top === 0 ? 1 : s / top);
    return annealed(peak, end, last === top ? 1 : (s - top) / (last - top));
  };
}

/** Half a cosine: `from` at 0, `to` at 1. */
function annealed(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
}

function withWarmup(warmupSteps: number, target: number, after: Schedule): Schedule {
  if (!(Number.isInteger(warmupSteps) && warmupSteps >= 0))
    throw new TrainingError(`the warm-up has ${warmupSteps} steps; expected a whole number from 0`);
  return (step) => (step < warmupSteps ? WARMUP_START + ((target - WARMUP_START) * step) / warmupSteps : after(step));
}

function checkRate(what: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0))
    throw new TrainingError(`the ${what} is ${value}; expected a number from 0`);
}

function checkSteps(totalSteps: number, warmupSteps: number): void {
  if (!(Number.isInteger(totalSteps) && totalSteps > 0))
    throw new TrainingError(`the schedule has ${totalSteps} steps; expected a whole number above 0`);
  if (!(warmupSteps < totalSteps))
    throw new TrainingError(`the warm-up of ${warmupSteps} steps must be shorter than the schedule of ${totalSteps}`);
}
