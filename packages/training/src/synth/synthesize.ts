/**
 * A whole dataset of scenes: shard by shard, each written to a temporary name and renamed, listed with its hash in
 * `scenes.json`. A run that was stopped, by whatever, goes on where it was: finished shards are checked and kept.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { TrainingError } from "../errors.ts";
import { type Scene, SceneComposer } from "./composer.ts";
import type { SceneConfig } from "./config.ts";
import { openSources } from "./open-sources.ts";
import { encodeShard, sceneRow } from "./scene-rows.ts";
import type { UnreadableClip } from "./sources/source.ts";

/** Changes when scenes of the same configuration come out otherwise than before. */
const SYNTHESIS_VERSION = 1;
/** Share of unreadable clips past which a run stops. */
const MAX_BAD_SHARE = 0.01;

export interface SynthesisProgress {
  /** Scenes there are, kept ones included. */
  readonly done: number;
  readonly total: number;
  /** Scenes kept from an earlier run. */
  readonly kept: number;
  /** Seconds of sound made so far in this run. */
  readonly seconds: number;
}

export interface SynthesisOptions {
  /** Directory for the shards; made where missing. */
  readonly out: string;
  readonly onProgress?: (progress: SynthesisProgress) => void;
  /** Every clip that cannot be read, once. */
  readonly onUnreadable?: (clip: string, message: string) => void;
  /** Sees scenes, e.g. to draw them. Those of shards kept from an earlier run are made again where they are wanted. */
  readonly onScene?: {
    wants(index: number, kept: boolean): boolean;
    see(scene: Scene): Promise<void> | void;
  };
  /** Stops between scenes; the call then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Threads of the TTS network. */
  readonly threads?: number | undefined;
}

export interface SynthesisResult {
  /** Parquet files in order. */
  readonly files: readonly string[];
  readonly scenes: number;
  readonly unreadable: readonly string[];
}

/** `scenes.json` beside the shards. */
export interface Manifest {
  /** Of configuration and sources. */
  readonly fingerprint: string;
  readonly split: string;
  readonly count: number;
  readonly shards: readonly {
    readonly file: string;
    readonly scenes: number;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  readonly unreadable: readonly string[];
}

export const MANIFEST = "scenes.json";

const shardName = (split: string, number: number): string => `${split}-${String(number).padStart(5, "0")}.parquet`;

/** The manifest of a directory; undefined where there is none that can be read. */
export async function readManifest(directory: string, split: string): Promise<Manifest | undefined> {
  try {
    const all = JSON.parse(await readFile(join(directory, MANIFEST), "utf8")) as Record<string, Manifest>;
    return all[split];
  } catch {
    return undefined;
  }
}

/**
 * Makes the scenes of a configuration, or those that are missing.
 * @throws TrainingError for sources that cannot be used, too many unreadable clips, a directory that holds scenes of
 * something else, a full disk.
 */
export async function synthesize(config: SceneConfig, options: SynthesisOptions): Promise<SynthesisResult> {
  const sources = await openSources(config, options.threads);
  try {
    const unreadable = new Map<string, string>();
    const composer = new SceneComposer(config, sources, (error) => {
      if (unreadable.has(error.clip)) return;
      unreadable.set(error.clip, error.message);
      options.onUnreadable?.(error.clip, error.message);
      checkUnreadable([...unreadable.values()], sources.clips, error);
    });
    const fingerprint = fingerprintOf(config, sources.fingerprint);
    return await writeShards(config, composer, { ...options, fingerprint, unreadable });
  } finally {
    await sources.close();
  }
}

/** Scenes of a configuration without files: for looking and listening. */
export async function composeScenes(
  config: SceneConfig,
  indices: readonly number[],
  threads?: number,
): Promise<Scene[]> {
  const sources = await openSources(config, threads);
  try {
    const composer = new SceneComposer(config, sources, () => undefined);
    const scenes: Scene[] = [];
    for (const index of indices) scenes.push(await composer.compose(index));
    return scenes;
  } finally {
    await sources.close();
  }
}

function checkUnreadable(messages: readonly string[], clips: number, error: UnreadableClip): void {
  if (messages.length <= MAX_BAD_SHARE * clips) return;
  const first = messages.slice(0, 3).join("; ");
  throw new TrainingError(
    `${messages.length} of ${clips} clips cannot be read, more than 1 %: ${first}${messages.length > 3 ? "; …" : ""}; repair or remove them`,
    { cause: error },
  );
}

/** What scenes depend on: neither how many there are nor where the sources lie is a part of it. */
function fingerprintOf(config: SceneConfig, sources: string): string {
  const { count: _count, ...rest } = config;
  const text = JSON.stringify([SYNTHESIS_VERSION, rest, sources], (_, value: unknown) =>
    typeof value === "string" && isAbsolute(value) ? basename(value) : value,
  );
  return createHash("sha256").update(text).digest("hex");
}

async function writeShards(
  config: SceneConfig,
  composer: SceneComposer,
  given: SynthesisOptions & { readonly fingerprint: string; readonly unreadable: ReadonlyMap<string, string> },
): Promise<SynthesisResult> {
  const { out, fingerprint, onProgress, onScene, signal, unreadable } = given;
  const { count, shard_size: size, split, sampling_rate: sampleRate } = config;
  await disk(out, () => mkdir(out, { recursive: true }));
  await removeLeftovers(out);
  const before = await readManifest(out, split);
  if (before && before.fingerprint !== fingerprint)
    throw new TrainingError(
      `${out}: holds ${split} scenes of another configuration, seed or of other clips; give another directory, or delete its ${split}-*.parquet and ${MANIFEST}`,
    );
  const shards: Manifest["shards"][number][] = [];
  const files: string[] = [];
  let [kept, seconds, done] = [0, 0, 0];
  const make = async (index: number, isWanted: boolean): Promise<Scene> => {
    signal?.throwIfAborted();
    const scene = await composer.compose(index);
    if (isWanted) await onScene?.see(scene);
    // timers, signals and the reporter get their turn
    await new Promise((resolve) => setImmediate(resolve));
    return scene;
  };
  const save = () =>
    writeManifest(out, split, { fingerprint, split, count, shards, unreadable: [...unreadable.keys()] });

  for (let number = 0; number * size < count; number++) {
    const file = shardName(split, number);
    const path = join(out, file);
    const scenes = Math.min(size, count - number * size);
    const old = before?.shards[number];
    if (old && old.file === file && old.scenes === scenes && (await isIntact(path, old.sha256))) {
      shards.push(old);
      kept += scenes;
      for (let i = done; i < done + scenes; i++) if (onScene?.wants(i, true)) await make(i, true);
    } else {
      const rows = [];
      for (let i = 0; i < scenes; i++) {
        const scene = await make(done + i, onScene?.wants(done + i, false) ?? false);
        rows.push(sceneRow(scene));
        seconds += scene.samples.length / sampleRate;
        onProgress?.({ done: done + i + 1, total: count, kept, seconds });
      }
      const bytes = encodeShard(rows, sampleRate);
      await writeFileSafely(path, bytes);
      shards.push({ file, scenes, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
      await save();
    }
    done += scenes;
    files.push(path);
    onProgress?.({ done, total: count, kept, seconds });
  }
  // an earlier run may have had more
  for (const { file } of before?.shards.slice(shards.length) ?? []) await rm(join(out, file), { force: true });
  await save();
  return { files, scenes: count, unreadable: [...unreadable.keys()] };
}

async function isIntact(path: string, sha256: string): Promise<boolean> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch {
    return false;
  }
  return hash.digest("hex") === sha256;
}

/** Both splits may live in one directory. */
async function writeManifest(out: string, split: string, manifest: Manifest): Promise<void> {
  const path = join(out, MANIFEST);
  const others = await readFile(path, "utf8")
    .then((text) => JSON.parse(text) as Record<string, Manifest>)
    .catch(() => ({}));
  await writeFileSafely(path, Buffer.from(`${JSON.stringify({ ...others, [split]: manifest }, undefined, 2)}\n`));
}

const TEMPORARY = /^\.uat-synth-(\d+)-.*\.tmp$/;

async function writeFileSafely(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(path, "..", `.uat-synth-${process.pid}-${Date.now().toString(36)}.tmp`);
  await disk(path, async () => {
    const file = await open(temporary, "wx");
    try {
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

/** What a killed run left behind. */
async function removeLeftovers(out: string): Promise<void> {
  for (const name of await readdir(out)) {
    const pid = TEMPORARY.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(out, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EACCES: "permission denied",
  EROFS: "the file system is read-only",
  EEXIST: "is a file, not a directory",
  ENOTDIR: "a part of the path is not a directory",
  EFBIG: "the file grows past what the system allows",
};

/** Runs file work; the system's errors become one line about `path`. */
async function disk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code !== "string") throw error;
    throw new TrainingError(
      `${path}: cannot be written: ${REASONS[code] ?? code}; make room or give another directory; finished shards are kept`,
      { cause: error },
    );
  }
}

/** Whether all of a manifest's shards are there, by their sizes: quick, for data that is used often. */
export async function isComplete(directory: string, { shards }: Manifest): Promise<boolean> {
  for (const { file, bytes } of shards) {
    const facts = await stat(join(directory, file)).catch(() => undefined);
    if (facts?.size !== bytes) return false;
  }
  return true;
}
