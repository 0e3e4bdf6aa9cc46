import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildGraph, compile, createRuntime, Scope } from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { directoryFiles } from "../../packages/codec/src/checkpoint/node/file-source.ts";
import { parametersOf } from "../../packages/codec/src/checkpoint/parameters.ts";
import { openSafetensorsModel } from "../../packages/codec/src/checkpoint/safetensors.ts";
import { whisperVq } from "../../packages/codec/src/models/whisper-vq.ts";
import { loadNpy } from "../npy.ts";

const root = fileURLToPath(new URL("../fixtures/tokenizers/", import.meta.url));
/** README of the fixtures, section 3: 1e-4 for activations, 3e-3 for squared distances. */
const tolerance = (name: string) => (name.startsWith("vq_") && name !== "vq_in" ? 3e-3 : 1e-4);

let runtime: Awaited<ReturnType<typeof createRuntime>>;
beforeAll(async () => {
  runtime = await createRuntime();
});
afterAll(() => runtime.dispose());

for (const variant of readdirSync(root)) {
  for (const caseName of existsSync(`${root}${variant}/activations`)
    ? readdirSync(`${root}${variant}/activations`)
    : []) {
    describe(`${variant}/${caseName}`, () => {
      test("every activation equals upstream's", async () => {
        const folder = `${root}${variant}/checkpoint/tokenizer`;
        const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8"));
        const store = await openSafetensorsModel(directoryFiles(folder), "model");
        const graph = buildGraph(variant, (g) =>
          whisperVq(g, new Scope(g, parametersOf(store)), config, { depth: "hidden" }),
        );
        const program = await compile(runtime, graph);
        const golden = (name: string) => loadNpy(`${root}${variant}/activations/${caseName}/${name}.npy`);
        const features = golden("features");
        const mask = golden("attention_mask");
        const result = await program.run({
          input_features: features,
          attention_mask: { data: Int32Array.from(mask.data), shape: mask.shape },
        });
        const value = (name: string): Float32Array | undefined => {
          const distances = result.distances?.data as Float32Array;
          if (name === "vq_idx") return Float32Array.from(result.codes?.data as BigInt64Array, Number);
          if (name === "vq_best_distance") return distances.filter((_, i) => i % 2 === 0);
          if (name === "vq_margin")
            return Float32Array.from(
              { length: distances.length / 2 },
              (_, i) => (distances[2 * i + 1] as number) - (distances[2 * i] as number),
            );
          return result[name]?.data as Float32Array | undefined;
        };
        const worst: Record<string, number> = {};
        for (const file of readdirSync(`${root}${variant}/activations/${caseName}`)) {
          const name = file.replace(".npy", "");
          if (!file.endsWith(".npy") || ["features", "attention_mask", "layer1_attn_allowed"].includes(name)) continue;
          const want = golden(name);
          const got = value(name);
          expect(got, name).toBeDefined();
          expect(got?.length, name).toBe(want.data.length);
          worst[name] = want.data.reduce((w, v, i) => Math.max(w, Math.abs(v - (got?.[i] as number))), 0);
          expect(worst[name], name).toBeLessThanOrEqual(tolerance(name));
        }
        expect(Object.keys(worst).length).toBeGreaterThan(8);
        await program.dispose();
      });
    });
  }
}
