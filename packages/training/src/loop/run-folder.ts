/** The folder of a run belongs to one process at a time. */

import { readdirSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFailure } from "../checkpoint/file-errors.ts";
import { TrainingError } from "../errors.ts";

const LOCK = ".running";

/**
 * Takes the folder, making it if it is missing. What a process that was killed left behind does not count.
 * @returns a function that gives it back.
 * @throws TrainingError when a run is going on there, or it cannot be written.
 */
export async function takeRunFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, LOCK);
  try {
    await mkdir(folder, { recursive: true });
    for (let tries = 0; ; tries++) {
      try {
        await writeFile(path, String(process.pid), { flag: "wx" });
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || tries > 0) throw error;
        const owner = Number(await readFile(path, "utf8"));
        if (owner !== process.pid && isAlive(owner))
          throw new TrainingError(`${folder}: process ${owner} is training here; wait for it, or give another --out`);
        await rm(path, { force: true });
      }
    }
  } catch (error) {
    throw error instanceof TrainingError ? error : writeFailure(folder, error);
  }
  return () => rm(path, { force: true });
}

/** Whether a folder holds a run, finished or not. */
export function holdsRun(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name === "metrics.jsonl" || /^checkpoint-\d+$/.test(name));
  } catch {
    return false;
  }
}

function isAlive(id: number): boolean {
  if (!Number.isInteger(id) || id <= 0) return false;
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
