/** Scenes composed from speech, events, backgrounds and music, with labels that follow from what was mixed. */
export type { Scene, ScenePart } from "./composer.ts";
export { checkSceneConfig, readSceneConfig, type SceneConfig, type SceneOverrides } from "./config.ts";
export { type EnsureOptions, ensureScenes } from "./ensure-scenes.ts";
export type { SceneFacts, SoundFacts } from "./facts.ts";
export type { Split } from "./hold-out.ts";
export { sceneName } from "./scene-rows.ts";
export {
  composeScenes,
  type SynthesisOptions,
  type SynthesisProgress,
  type SynthesisResult,
  synthesize,
} from "./synthesize.ts";
