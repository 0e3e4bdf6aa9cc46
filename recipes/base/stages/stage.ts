/**
 * Stages of the recipe. A stage names what it depends on and the files it makes; when both are as they were after its
 * last run, it is skipped. So a run that was stopped goes on where it was, and a changed manifest redoes what it must.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256, sha256File } from "./hash.ts";

export interface Stage {
  name: string;
  /** Everything the outputs depend on besides the code of this stage, as plain data. */
  inputs: unknown;
  /** Files of earlier stages that this one reads; a change of theirs runs it again. */
  after?: string[];
  /** Raised when the code of this stage changes what it makes. */
  revision: number;
  /** Files that the stage makes. */
  outputs: string[];
  run(): Promise<void>;
}

/** What is remembered of a finished stage. */
interface Stamp {
  inputs: string;
  outputs: Record<string, string>;
}

/** Runs a stage unless its outputs are there, made from the same inputs. Returns its outputs' hashes. */
export async function runStage(stage: Stage, work: string, log: (line: string) => void): Promise<Stamp["outputs"]> {
  const file = join(work, "stages", `${stage.name}.json`);
  const read = await Promise.all((stage.after ?? []).map((path) => sha256File(path)));
  const inputs = sha256(JSON.stringify([stage.revision, stage.inputs, read]));
  if (existsSync(file)) {
    const stamp = JSON.parse(readFileSync(file, "utf8")) as Stamp;
    if (stamp.inputs === inputs && (await sameFiles(stage.outputs, stamp.outputs))) {
      log(`${stage.name}: up to date`);
      return stamp.outputs;
    }
  }
  const start = performance.now();
  log(`${stage.name}: running`);
  for (const output of stage.outputs) mkdirSync(dirname(output), { recursive: true });
  await stage.run();
  const outputs: Record<string, string> = {};
  for (const output of stage.outputs) outputs[output] = await sha256File(output);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ inputs, outputs } satisfies Stamp, null, 2)}\n`);
  log(`${stage.name}: done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return outputs;
}

async function sameFiles(paths: string[], hashes: Stamp["outputs"]): Promise<boolean> {
  for (const path of paths) {
    if (!existsSync(path) || (await sha256File(path)) !== hashes[path]) return false;
  }
  return true;
}
