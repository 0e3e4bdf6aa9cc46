/** Our side of training-continue.py, where the commands are. Prints how far both sides are apart. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRuntime } from "@uat/graph";
import { fileSource, openSafetensors, readFloat32, writeSafetensorsFile } from "universal-audio-tokenizer/internal";
import { CheckpointFolder } from "../../packages/training/src/checkpoint/checkpoint-folder.ts";
import { readCheckpoint } from "../../packages/training/src/checkpoint/saved-checkpoint.ts";
import { arenaTensors, loadArena } from "../../packages/training/src/checkpoint/stored-weights.ts";
import { writeTorchFile } from "../../packages/training/src/checkpoint/torch-file.ts";
import { torchOptimizerState, torchSchedulerState } from "../../packages/training/src/checkpoint/torch-optimizer.ts";
import { readTorchOptimizer } from "../../packages/training/src/checkpoint/torch-optimizer-reader.ts";
import { AdamW } from "../../packages/training/src/optimizer/adamw.ts";
import { clipCoefficient, gradientNorm } from "../../packages/training/src/optimizer/gradients.ts";
import { ParameterArena } from "../../packages/training/src/optimizer/parameter-arena.ts";
import { modelParts } from "../../packages/training/src/optimizer/parameter-groups.ts";

// as in training-continue.py
const RATES = { encoder: 1e-4, decoder: 6e-3 };
const CLIP = 1;
const schedule = (step: number) => 1 - 0.05 * step;

const fixture = new URL("../fixtures/training/seq2seq/checkpoint/model.safetensors", import.meta.url).pathname;
const FROZEN = /codebook|ema_|encoder\.embed_positions\.weight$/;

const runtime = await createRuntime({ device: "cpu", thread: "calling" });

async function open(path: string) {
  return openSafetensors(await fileSource(path));
}

/** The small encoder-decoder of the fixtures, with upstream's groups. */
async function createOptimizer(): Promise<AdamW> {
  const store = await open(fixture);
  const names = [...store.names()].filter((name) => !FROZEN.test(name));
  const parts = modelParts(names);
  const arena = ParameterArena.zeros(
    names.map((name) => ({ name, shape: store.info(name)!.shape })),
    [parts.encoder, parts.decoder],
  );
  await loadArena(arena, store, fixture);
  await store.close();
  return AdamW.create(
    runtime,
    arena,
    (["encoder", "decoder"] as const).map((name) => ({
      name,
      parameters: parts[name],
      learningRate: (step) => RATES[name] * schedule(step),
    })),
  );
}

async function train(optimizer: AdamW, steps: number): Promise<void> {
  const gradients = optimizer.newGradients();
  for (let i = 0; i < steps; i++) {
    let loss = 0;
    for (const { name } of gradients.entries) {
      const gradient = optimizer.parameters.view(name).map((w, k) => w - Math.fround(Math.cos(k)));
      gradients.view(name).set(gradient);
      for (const g of gradient) loss += (g * g) / 2;
    }
    const norm = gradientNorm(gradients);
    await optimizer.step(gradients, { scale: clipCoefficient(norm, CLIP) });
    console.log(`step ${optimizer.updates}: loss ${loss.toFixed(6)}, gradient norm ${norm.toFixed(6)}`);
  }
}

/** Largest difference over all parameters, and in units of the largest change since `before`. */
function difference(a: ParameterArena, b: Float32Array, before: Float32Array): string {
  let worst = 0;
  let change = 0;
  for (const [i, v] of a.values.entries()) {
    worst = Math.max(worst, Math.abs(v - b[i]!));
    change = Math.max(change, Math.abs(v - before[i]!));
  }
  return `${worst.toExponential(2)} (largest change ${change.toExponential(2)})`;
}

const [command, folder, count] = process.argv.slice(2) as [string, string, string];
const optimizer = await createOptimizer();
const initial = optimizer.parameters.values.slice();
if (command === "start") {
  await train(optimizer, 3);
  await mkdir(folder, { recursive: true });
  const checkpoints = await CheckpointFolder.open(folder, { keep: 1 });
  await checkpoints.save({
    state: { step: 3, seed: 0, configHash: "", counters: {}, random: null, data: null, system: null },
    writeModel: (path) => writeSafetensorsFile(join(path, "model.safetensors"), arenaTensors(optimizer.parameters)),
    optimizers: { main: optimizer },
  });
  await writeTorchFile(join(folder, "optimizer.pt"), torchOptimizerState(optimizer, RATES));
  await writeTorchFile(join(folder, "scheduler.pt"), torchSchedulerState(optimizer, RATES));
  const lines = optimizer.groups.flatMap((g) => g.parameters.map((name) => `${g.name}\t${name}`));
  await writeFile(join(folder, "groups.tsv"), `${lines.join("\n")}\n`);
} else {
  const saved = await readCheckpoint(join(folder, "checkpoint-3"));
  await saved.restoreOptimizer("main", optimizer);
  const store = await open(join(saved.path, "model.safetensors"));
  await loadArena(optimizer.parameters, store, saved.path);
  await store.close();
  await train(optimizer, Number(count));

  const back = await createOptimizer();
  const torch = await open(join(folder, "torch", "model.safetensors"));
  for (const { name } of back.parameters.entries) back.parameters.view(name).set(await readFloat32(torch, name));
  await torch.close();
  await readTorchOptimizer(join(folder, "torch", "optimizer.pt"), back, join(folder, "torch", "scheduler.pt"));
  console.log(`after torch's steps, step ${back.updates}:`);
  console.log(`  parameters differ by ${difference(optimizer.parameters, back.parameters.values, initial)}`);
  const zeros = new Float32Array(back.firstMoments.values.length);
  console.log(`  first moments by ${difference(optimizer.firstMoments, back.firstMoments.values, zeros)}`);
  console.log(`  second moments by ${difference(optimizer.secondMoments, back.secondMoments.values, zeros)}`);
  await train(back, 3);
  await train(optimizer, 3);
  console.log(
    `three steps later parameters differ by ${difference(optimizer.parameters, back.parameters.values, initial)}`,
  );
}
await optimizer.dispose();
await runtime.dispose();
