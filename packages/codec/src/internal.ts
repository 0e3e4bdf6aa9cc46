/**
 * What the workspace's own packages, recipes, benchmarks and tests take from the codec beyond its public interface.
 * Sources only: never part of the published package's promises.
 */

export { directoryFiles, fileSource } from "./checkpoint/node/file-source.ts";
export { downloadHubDataset, type HubDatasetOptions } from "./checkpoint/node/hub-dataset.ts";
export { downloadHubModel } from "./checkpoint/node/hub-model.ts";
export { writeSafetensorsFile } from "./checkpoint/node/safetensors-file.ts";
export { cutCheckpoint } from "./describe/node/cut-checkpoint.ts";
export * from "./internal-portable.ts";
export { embeddedFolder, openModel } from "./platform/node/models.ts";
export { openPath } from "./platform/node.ts";
