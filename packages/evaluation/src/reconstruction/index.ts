export type { ClipResult, Recognizer } from "./clip-result.ts";
export type { Voices } from "./figures.ts";
export { type ReconstructionOptions, reconstructionEvaluation } from "./reconstruction-evaluation.ts";
