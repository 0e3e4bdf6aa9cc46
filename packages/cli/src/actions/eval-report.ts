/** The files a run leaves: report.json, report.md, report.html and the sounds of its players; and reading them again. */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { EvaluationError } from "@uat/evaluation";
import {
  parseReport,
  REPORT_VERSION,
  type Report,
  reportMarkdown,
  reportPage,
  type TaskReport,
} from "@uat/evaluation/report";
import { InputError, systemError } from "../errors.ts";
import { withOutputs } from "../output/outputs.ts";

/** A part's results with the sounds they name. */
export interface KeptTask {
  readonly task: TaskReport;
  /** Wav files by the names that the players have for them; some may be missing. */
  readonly sounds: ReadonlyMap<string, Uint8Array>;
}

/** Writes all files of a report, or none. */
export async function writeReport(folder: string, kept: readonly KeptTask[]): Promise<void> {
  const { report, sounds } = joined(kept);
  await withOutputs(async (outputs) => {
    const write = async (name: string, data: string | Uint8Array) => {
      const file = await outputs.open(join(folder, name));
      await file.write(typeof data === "string" ? Buffer.from(data) : data);
    };
    for (const [name, wav] of sounds) await write(name, wav);
    await write("report.json", `${JSON.stringify(report, undefined, 1)}\n`);
    await write("report.md", reportMarkdown(report));
    await write("report.html", reportPage(report, sounds));
  });
  await removeOldSounds(folder, sounds);
}

/** One report; sounds of different runs get different names. */
function joined(kept: readonly KeptTask[]): { report: Report; sounds: Map<string, Uint8Array> } {
  const sounds = new Map<string, Uint8Array>();
  let number = 0;
  const tasks = kept.map(({ task, sounds: own }) => ({
    ...task,
    sections: task.sections.map((section) => ({
      ...section,
      players: section.players.map((player) => ({
        ...player,
        sounds: player.sounds.map((sound) => {
          const file = `players/${++number}.wav`;
          const wav = own.get(sound.file);
          if (wav) sounds.set(file, wav);
          return { ...sound, file };
        }),
      })),
    })),
  }));
  return { report: { version: REPORT_VERSION, tasks }, sounds };
}

/** Those that an earlier report had and this one has not. */
async function removeOldSounds(folder: string, sounds: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const names = await readdir(join(folder, "players")).catch(() => []);
  for (const name of names)
    if (/^\d+\.wav$/.test(name) && !sounds.has(`players/${name}`))
      await rm(join(folder, "players", name), { force: true });
}

/**
 * The parts of an earlier run.
 * @param path its folder, or its report.json.
 * @throws InputError or EvaluationError when there is none, or it is damaged.
 */
export async function readReport(path: string): Promise<KeptTask[]> {
  const stats = await stat(path).catch(() => undefined);
  const folder = stats?.isFile() ? join(path, "..") : path;
  const file = stats?.isFile() ? path : join(path, "report.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new InputError(`${path}: holds no report.json; expected the --out folder of an earlier uat eval`);
    throw systemError(file, "read", error);
  }
  const { tasks } = parseReport(text, file);
  const kept: KeptTask[] = [];
  for (const task of tasks) {
    const sounds = new Map<string, Uint8Array>();
    for (const sound of task.sections.flatMap((s) => s.players).flatMap((player) => player.sounds)) {
      const wav = await readFile(join(folder, sound.file)).catch(() => undefined);
      if (wav) sounds.set(sound.file, wav);
    }
    kept.push({ task, sounds });
  }
  return kept;
}

/** What an earlier run left in the folder that a new one writes to; a damaged report is replaced. */
export async function earlierTasks(folder: string, onWarning: (message: string) => void): Promise<KeptTask[]> {
  try {
    return await readReport(folder);
  } catch (error) {
    if (error instanceof EvaluationError) onWarning(`${error.message}; it is replaced`);
    else if (!(error instanceof InputError)) throw error;
    return [];
  }
}
