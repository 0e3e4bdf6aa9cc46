/** Saves checkpoint 2 into a folder and is killed on the way. Arguments: the folder; what it is writing then. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointFolder } from "./checkpoint-folder.ts";

const [folder, when] = process.argv.slice(2) as [string, string];
const die = () => {
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => {});
};
const checkpoints = await CheckpointFolder.open(folder, { keep: 2 });
await checkpoints.save({
  state: { step: 2, seed: 0, configHash: "", counters: {}, random: null, data: null, system: null },
  writeModel: async (into) => {
    await writeFile(join(into, "model.safetensors"), "half of");
    if (when === "model") await die();
  },
  optimizers: {},
  tensors: { codebook: new Map([["codes", { dtype: "F32", shape: [1], data: die }]]) },
});
