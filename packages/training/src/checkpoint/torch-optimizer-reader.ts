/** Takes back what torch has saved of an optimiser; for the layout see torch-optimizer.ts. */
import { toFloat32 } from "@uat/graph";
import { fileSource, openTorchObject, type TorchObject, TorchTensor } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import type { AdamW } from "../optimizer/adamw.ts";

/**
 * Sets an optimiser to the state that torch has saved. Learning rates and other settings stay those of its own groups.
 * @param schedulerPath the scheduler's file, which tells the number of the next step; without one that is the largest
 *   count of any parameter.
 * @throws TrainingError when the file is of an optimiser with other parameters, or not AdamW's; nothing is changed then.
 */
export async function readTorchOptimizer(path: string, optimizer: AdamW, schedulerPath?: string): Promise<void> {
  const updates = schedulerPath === undefined ? undefined : await lastEpoch(schedulerPath);
  const file = await openTorchObject(await fileSource(path));
  try {
    const saved = savedParameters(path, file.value, optimizer);
    const steps: Record<string, number> = {};
    for (const { name, step } of saved) steps[name] = await stepCount(file, step, `${path}: ${name}`);
    for (const { name, first, second } of saved) {
      await fill(file, optimizer.firstMoments.view(name), first);
      await fill(file, optimizer.secondMoments.view(name), second);
    }
    optimizer.restoreCounts({ updates: updates ?? Math.max(0, ...Object.values(steps)), steps });
  } finally {
    await file.close();
  }
}

/** What is saved of one parameter; nothing where it never had a gradient. */
interface SavedParameter {
  readonly name: string;
  /** A number in files of old versions. */
  readonly step?: TorchTensor | number;
  readonly first?: TorchTensor;
  readonly second?: TorchTensor;
}

/** All trained parameters in the order of their numbers, once it is known that the file fits them. */
function savedParameters(path: string, value: unknown, optimizer: AdamW): SavedParameter[] {
  const state = value instanceof Map ? value.get("state") : undefined;
  const groups = value instanceof Map ? value.get("param_groups") : undefined;
  if (!(state instanceof Map && Array.isArray(groups)))
    throw new TrainingError(`${path}: holds no state of an optimiser (a dict with state and param_groups)`);
  const found = groups.map((group) => {
    const params = group instanceof Map ? group.get("params") : undefined;
    return Array.isArray(params) ? params.length : 0;
  });
  const expected = optimizer.groups.map((group) => group.parameters.length);
  if (found.length !== expected.length || found.some((size, i) => size !== expected[i]))
    throw new TrainingError(
      `${path}: has groups of ${found.join(", ")} parameters; this run trains groups of ${expected.join(", ")}`,
    );
  return optimizer.groups
    .flatMap((group) => group.parameters)
    .map((name, i) => {
      const entry = state.get(i) as unknown;
      if (entry === undefined) return { name };
      const label = `${path}: parameter ${i} (${name})`;
      const { shape } = optimizer.firstMoments.entry(name);
      const fields = entry instanceof Map ? entry : new Map<unknown, unknown>();
      const step = fields.get("step") as unknown;
      if (!(typeof step === "number" || step instanceof TorchTensor))
        throw new TrainingError(`${label} has no step count; expected the state of torch.optim.AdamW`);
      return {
        name,
        step,
        first: moment(label, fields.get("exp_avg"), shape),
        second: moment(label, fields.get("exp_avg_sq"), shape),
      };
    });
}

function moment(label: string, tensor: unknown, shape: readonly number[]): TorchTensor {
  if (!(tensor instanceof TorchTensor))
    throw new TrainingError(`${label} has no exp_avg and exp_avg_sq; expected the state of torch.optim.AdamW`);
  if (tensor.shape.length !== shape.length || tensor.shape.some((d, i) => d !== shape[i]))
    throw new TrainingError(
      `${label} has moments of shape [${tensor.shape}] for a parameter of [${shape}]; list parameters in torch's order`,
    );
  return tensor;
}

async function floats(file: TorchObject, tensor: TorchTensor, label = "a moment"): Promise<Float32Array> {
  const { dtype } = tensor;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16" && dtype !== "F64")
    throw new TrainingError(`${label} has type ${dtype}; expected a float type`);
  return toFloat32(await file.read(tensor), dtype);
}

async function fill(file: TorchObject, view: Float32Array, tensor: TorchTensor | undefined): Promise<void> {
  if (tensor) view.set(await floats(file, tensor));
  else view.fill(0);
}

async function stepCount(file: TorchObject, step: TorchTensor | number | undefined, label: string): Promise<number> {
  const count =
    step instanceof TorchTensor ? ((await floats(file, step, `${label}: step`))[0] ?? Number.NaN) : (step ?? 0);
  if (!(Number.isInteger(count) && count >= 0))
    throw new TrainingError(`${label} has a step count of ${count}; expected a whole number`);
  return count;
}

async function lastEpoch(path: string): Promise<number> {
  const file = await openTorchObject(await fileSource(path));
  await file.close();
  const epoch = file.value instanceof Map ? file.value.get("last_epoch") : undefined;
  if (typeof epoch !== "number" || !Number.isInteger(epoch) || epoch < 0)
    throw new TrainingError(`${path}: holds no scheduler's state (a dict with last_epoch)`);
  return epoch;
}
