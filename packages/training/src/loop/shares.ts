/** What a run of several processes asks of its configuration and of each process. */
import { crc32 } from "node:zlib";
import type { RunConfig } from "../config/read-run-config.ts";
import type { ExampleSource } from "../data/example.ts";
import { TrainingError } from "../errors.ts";
import type { Collective } from "./collective.ts";
import type { Metrics, TrainingSystem } from "./system.ts";

/** @throws TrainingError for a batch that cannot be dealt out evenly. */
export function checkProcesses({ batch_size: size }: RunConfig, world: number, file: string): void {
  if (size % world === 0) return;
  const near = [size - (size % world), size + world - (size % world)].filter((n) => n > 0).join(" or ");
  throw new TrainingError(
    `${file}: batch_size is ${size}, which ${world} processes cannot share evenly; set batch_size to ${near}, or other processes`,
  );
}

/** @throws TrainingError for fewer rows than processes. */
export function checkRows(sources: readonly ExampleSource[], world: number, file: string): void {
  const rows = sources.reduce((n, { length }) => n + length, 0);
  if (rows < world)
    throw new TrainingError(
      `${file}: data.train has ${rows} ${rows === 1 ? "row" : "rows"} for ${world} processes; expected one each at the least; set processes: ${rows}`,
    );
}

/** Metrics that count: each process has counted its own rows. */
const COUNTS: ReadonlySet<string> = new Set(["truncated_rows"]);

/** The metrics of a step from those of each process: means over those that have them, and sums of what was counted. */
export function meanOverRanks(all: readonly Metrics[]): Metrics {
  const names = new Set(all.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = all.flatMap((metrics) => metrics[name] ?? []);
      const sum = values.reduce((total, value) => total + value, 0);
      return [name, COUNTS.has(name) ? sum : sum / values.length];
    }),
  );
}

const BLOCK = 64 << 20;

/**
 * Processes add the same gradients to the same weights, so that they stay equal bit by bit: looked at before every
 * checkpoint, so that none is saved of weights that have drifted apart.
 * @throws TrainingError when the weights of a process are not those of rank 0.
 */
export async function sameWeights(system: TrainingSystem, collective: Collective, step: number): Promise<void> {
  if (collective.world === 1) return;
  let checksum = 0;
  for (const { parameters } of Object.values(system.checkpoint().optimizers)) {
    const { buffer, byteOffset, byteLength } = parameters.values;
    for (let at = 0; at < byteLength; at += BLOCK)
      checksum = crc32(new Uint8Array(buffer, byteOffset + at, Math.min(BLOCK, byteLength - at)), checksum);
  }
  const all = await collective.exchange(checksum);
  const other = all.findIndex((one) => one !== all[0]);
  if (other > 0)
    throw new TrainingError(
      `step ${step}: the weights of rank ${other} are no longer those of rank 0; go on from the last checkpoint with --resume`,
    );
}
