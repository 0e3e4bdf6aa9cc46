/**
 * Batches come out the same whatever the number of threads. Node 20 loads no TypeScript in a worker, so that the sources
 * are bundled first, as the published package is.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { encodeWav } from "@uat/audio";
import type * as Data from "@uat/training";
import { Mixture, Random } from "@uat/training";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "loader-"));
const CLIPS = 110;
const SEED = 5;
/** The row that comes tenth. */
const BAD = new Mixture([{ source: { length: CLIPS } as Data.ExampleSource, weight: 1 }], SEED).draw(9).row;
let data: typeof Data;

beforeAll(async () => {
  await build({
    absWorkingDir: root,
    entryPoints: {
      index: "packages/training/src/data/index.ts",
      "loader-worker": "packages/training/src/data/loader-worker.ts",
    },
    outdir: join(folder, "bundle"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["source", "node"],
    external: ["onnxruntime-*"],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    logLevel: "error",
  });
  writeFileSync(join(folder, "bundle/package.json"), '{"type":"module"}');
  data = (await import(/* @vite-ignore */ pathToFileURL(join(folder, "bundle/index.js")).href)) as typeof Data;
  mkdirSync(join(folder, "clips"));
  const random = new Random(1);
  for (let i = 0; i < CLIPS; i++) {
    const samples = Float32Array.from({ length: 1600 + 31 * i }, () => random.uniform(-0.3, 0.3));
    const file = join(folder, "clips", `${String(i).padStart(3, "0")}.wav`);
    writeFileSync(file, i === BAD ? "no audio" : encodeWav([samples], 16000, "s16"));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function take(count: number, workers: number, from?: number): Promise<Data.Batch[]> {
  const preparation = {
    name: "tokenizer",
    mels: 80,
    augment: {
      speed: { probability: 0.5, factor: [0.9, 1.1] },
      noise: { probability: 0.5, ratio: [5, 20], colours: ["pink"], clips: [join(folder, "clips/003.wav")] },
      reverberation: { probability: 0.3, seconds: [0.1, 0.3], ratio: [0, 10] },
    },
  } satisfies Data.PreparationSettings;
  const source = await data.openFolderSource(join(folder, "clips"));
  const batches: Data.Batch[] = [];
  for await (const batch of data.loadBatches({
    stream: new data.Mixture([{ source, weight: 1 }], SEED),
    batchSize: 4,
    prepare: preparation,
    collate: data.tokenizerCollate({
      preparation: data.parsePreparation(preparation) as Data.TokenizerPreparation,
      padding: "longest",
    }),
    seed: 2,
    workers,
    ...(from !== undefined && { from }),
  })) {
    if (batches.push(batch) === count) break;
  }
  return batches;
}

test("batches are the same with 0, 1, 2 and 4 threads, and when the run is taken up again", async () => {
  const alone = await take(14, 0);
  expect(alone.flatMap(({ unreadable }) => unreadable.map(({ id }) => id))).toEqual([
    join(folder, "clips", `${String(BAD).padStart(3, "0")}.wav`),
  ]);
  for (const workers of [1, 2, 4]) expect(await take(14, workers)).toEqual(alone);
  expect(await take(8, 2, alone[5]!.next)).toEqual(alone.slice(6));
});

test("the threads do the work, and end with the iteration", async () => {
  // each thread has a port, which keeps the process alive while it works
  const ports = () => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
  const before = ports();
  const source = await data.openFolderSource(join(folder, "clips"));
  const batches = data.loadBatches({
    stream: new data.Mixture([{ source, weight: 1 }], 5),
    batchSize: 2,
    prepare: { name: "samples", sampleRate: 16000 },
    collate: (items) => ({ n: { data: Int32Array.from(items, ({ length }) => length), shape: [items.length] } }),
    seed: 2,
    workers: 2,
  });
  const first = batches.next();
  await new Promise((resolve) => setImmediate(resolve));
  expect(ports() - before).toBe(2);
  expect((await first).value?.ids.length).toBe(2);
  await batches.return(undefined);
  expect(ports()).toBe(before);
});

test("a process that leaves while clips are being prepared ends in order", () => {
  const script = `
    import { loadBatches, Mixture, openFolderSource } from "./index.js";
    const source = await openFolderSource(${JSON.stringify(join(folder, "clips"))});
    for (let i = 0; i < 6; i++) {
      const batches = loadBatches({
        stream: new Mixture([{ source, weight: 1 }], 5),
        batchSize: 4,
        prepare: { name: "samples", sampleRate: 16000 },
        collate: () => ({}),
        seed: 2,
        workers: 1,
      });
      await batches.next();
      // the thread's answers wait meanwhile
      for (const until = performance.now() + 100; performance.now() < until; );
      await batches.return();
    }
    console.log("left");
  `;
  const file = join(folder, "bundle/leave.js");
  writeFileSync(file, script);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  expect({ stdout, stderr, status }).toEqual({ stdout: "left\n", stderr: "", status: 0 });
});
