/** @packageDocumentation Training: data, objectives, optimisers, loop, scenes. */
export { TrainingError } from "./errors.ts";
export { Random } from "./random.ts";
export * from "./report/index.ts";
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
