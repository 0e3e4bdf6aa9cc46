/** @packageDocumentation Training: data, objectives, optimisers, loop, scenes. */

export { gain, limited, mix, type NoiseColour, noise } from "@uat/audio";
export { type Augmentation, augment, augmentationSchema } from "./augment/augment.ts";
export { changeSpeed } from "./augment/speed.ts";
export * from "./data/index.ts";
export { TrainingError } from "./errors.ts";
export { joinProcesses } from "./loop/processes.ts";
export { type TrainOptions, type TrainResult, train } from "./loop/train.ts";
export { Random } from "./random.ts";
export { formatProgress, type ProgressState } from "./report/progress.ts";
export {
  checkSceneConfig,
  composeScenes,
  type EnsureOptions,
  ensureScenes,
  readSceneConfig,
  type Scene,
  type SceneConfig,
  type SceneFacts,
  type SceneOverrides,
  type ScenePart,
  type SoundFacts,
  type Split,
  type SynthesisOptions,
  type SynthesisProgress,
  type SynthesisResult,
  sceneName,
  synthesize,
} from "./synth/index.ts";
export { level, peak } from "./synth/levels.ts";
