/** Lists of clips → positions of a run → prepared clips → batches. */
export {
  type BatchItem,
  type Collate,
  collateTargets,
  collateText,
  type DecoderCollateOptions,
  decoderCollate,
  type HeadTargets,
  type Padding,
  type TextOptions,
  type TextTarget,
  type TokenizerCollateOptions,
  tokenizerCollate,
} from "./collate.ts";
export { type DecodeOptions, decodeClip } from "./decode-clip.ts";
export type { Clip, ClipAudio, Example, ExampleSource, RowBlocks } from "./example.ts";
export { clipIdentity, FeatureCache } from "./feature-cache.ts";
export { listAudioFiles, openFolderSource } from "./folder-source.ts";
export { type HubSourceOptions, openHubSource } from "./hub-source.ts";
export { type Batch, type LoaderOptions, loadBatches, type UnreadableClip } from "./loader.ts";
export { openManifestSource } from "./manifest-source.ts";
export {
  type Draw,
  type ExampleStream,
  inOrder,
  Mixture,
  type Share,
  type StreamItem,
  type WeightedSource,
} from "./mixture.ts";
export { openParquetSource } from "./parquet-source.ts";
export {
  type DecoderPreparation,
  isRandom,
  type Preparation,
  type PreparationSettings,
  type PreparedClip,
  parsePreparation,
  preparationSchema,
  prepareClip,
  type TokenizerPreparation,
} from "./prepare.ts";
export type { ColumnNames, ColumnRole, SourceOptions } from "./rows.ts";
