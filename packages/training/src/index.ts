/** @packageDocumentation Training: data, objectives, optimisers, loop, scenes. */
export { TrainingError } from "./errors.ts";
export { Random } from "./random.ts";
