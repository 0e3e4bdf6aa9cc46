import { Random } from "../random.ts";

/** The random draws of one step, which depend on the run's seed and the step's number alone: a resumed run repeats them. */
export const stepRandom = (seed: number, step: number): Random =>
  new Random((Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) + Math.imul(step + 1, 0x85ebca6b)) >>> 0);
