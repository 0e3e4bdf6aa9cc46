/** The work of `uat synth`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readSceneConfig, type Scene, sceneName, synthesize } from "@uat/training";
import type { Command } from "commander";
import type { GlobalOptions } from "../options.ts";
import { withOutputs } from "../output/outputs.ts";
import { Reporter } from "../output/reporter.ts";
import { printLine } from "../output/standard-output.ts";

interface Options extends GlobalOptions {
  readonly out: string;
  readonly count?: number;
  readonly seed?: number;
  readonly split?: "train" | "validation";
  readonly plot?: number;
}

export async function synth(path: string, command: Command): Promise<void> {
  const { out, count, seed, split, plot = 1, threads, quiet = false } = command.optsWithGlobals<Options>();
  const reporter = new Reporter(quiet);
  const config = await readSceneConfig(path, { count, seed, split });
  const started = Date.now();
  let sound = 0;
  let kept = 0;
  const { files, scenes, unreadable } = await synthesize(config, {
    out,
    threads,
    onProgress(progress) {
      ({ kept, seconds: sound } = progress);
      const { done, total } = progress;
      const left = (((Date.now() - started) / 1000) * (total - done)) / Math.max(1, done - kept);
      const detail = `${done} of ${total} scenes${done > kept && done < total ? `, ${duration(left)} left` : ""}`;
      reporter.progress(out, done / total, detail);
    },
    onUnreadable: (_clip, message) => reporter.warn(`left out: ${message}`),
    onScene: {
      wants: (index, isKept) => index < plot && !(isKept && existsSync(pictureOf(out, index))),
      see: (scene) => drawPicture(scene, out),
    },
  });
  reporter.clear();
  if (kept > 0) reporter.note(`${out}: ${kept} scenes were there already`);
  if (unreadable.length > 0) reporter.warn(`${unreadable.length} clips could not be read and were left out`);
  if (sound > 0) reporter.note(`${duration(sound)} of sound in ${duration((Date.now() - started) / 1000)}`);
  const pictures = Math.min(plot, scenes);
  await printLine(
    `→ ${scenes} scenes in ${files.length === 1 ? files[0] : `${files[0]} … ${files.at(-1)}`}${pictures > 0 ? `; ${pictures === 1 ? "picture" : `${pictures} pictures, first`} ${pictureOf(out, 0)}` : ""}`,
  );
}

const pictureOf = (out: string, index: number): string => join(out, `${sceneName(index)}.png`);

async function drawPicture(scene: Scene, out: string): Promise<void> {
  const [{ drawScene }, { encodePng }] = await Promise.all([import("../plot/scene.ts"), import("@uat/audio/plot")]);
  await withOutputs(async (outputs) => {
    const file = await outputs.open(pictureOf(out, scene.index));
    await file.write(encodePng(drawScene(scene)));
  });
}

/** `3 min 20 s` */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
