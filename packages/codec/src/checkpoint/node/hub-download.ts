/** One file from the hub into the cache: resumed after an interruption, checked, and renamed into place when whole. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CheckpointError } from "../errors.ts";
import { type HubFile, HubUnreachable } from "../hub.ts";
import { sizeOf, uniqueSuffix, writeError } from "./hub-cache.ts";

/** What a download needs to know. */
export interface DownloadOptions {
  readonly url: string;
  /** Adds the token and turns error statuses into errors. */
  readonly fetch: typeof fetch;
  /** For messages: `org/name`. */
  readonly id: string;
  readonly onProgress?: ((loaded: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Attempts without a byte of progress before giving up (5), and the first pause between them (500 ms, doubled each time). */
  readonly attempts?: number | undefined;
  readonly pauseMs?: number | undefined;
  /** A connection that brings nothing for this long counts as broken (30 s). */
  readonly stallMs?: number | undefined;
}

/** Partial files that a download of this process is writing. */
const active = new Set<string>();

/**
 * Downloads `file` to `blob`. What an interrupted run left is taken over and continued. Every run writes a file of its
 * own, so that processes that download the same thing at once cannot disturb each other; the first to finish wins.
 * @throws HubUnreachable when the connection breaks off too often; CheckpointError for a wrong checksum, a full disk, or
 *   a server that refuses.
 */
export async function downloadBlob(file: HubFile, blob: string, options: DownloadOptions): Promise<void> {
  let partial = "";
  try {
    await mkdir(dirname(blob), { recursive: true });
    partial = await claimPartial(blob);
    const handle = await open(partial, "r+");
    try {
      await fill(handle, file, options);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await verify(partial, file, options.id);
    await rename(partial, blob);
  } catch (error) {
    if (error instanceof CheckpointError || options.signal?.aborted) throw error;
    throw writeError(blob, error);
  } finally {
    active.delete(partial);
  }
}

/** A partial file of our own: one that was left behind, renamed, or a new empty one. */
async function claimPartial(blob: string): Promise<string> {
  const mine = `${blob}.${hostname()}-${uniqueSuffix()}.incomplete`;
  active.add(mine);
  for (const name of await readdir(dirname(blob))) {
    const path = join(dirname(blob), name);
    if (!name.startsWith(`${basename(blob)}.`) || !name.endsWith(".incomplete") || !(await isAbandoned(path))) continue;
    try {
      await rename(path, mine);
      return mine;
    } catch {
      // Another process was faster.
    }
  }
  await (await open(mine, "w")).close();
  return mine;
}

/** Its writer is gone: a dead process of this machine, or one of another machine that has not written for a minute. */
async function isAbandoned(path: string): Promise<boolean> {
  if (active.has(path)) return false;
  const [, host, pid] = /\.([^/]*)-(\d+)-\d+\.incomplete$/.exec(path) ?? [];
  if (host?.endsWith(hostname()) && pid) {
    if (Number(pid) === process.pid) return true;
    try {
      process.kill(Number(pid), 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
    }
  }
  try {
    return Date.now() - (await stat(path)).mtimeMs > 60_000;
  } catch {
    return false;
  }
}

/** Fetches until the file has its full size, from where it is. */
async function fill(handle: FileHandle, file: HubFile, options: DownloadOptions): Promise<void> {
  const { attempts = 5, pauseMs = 500 } = options;
  let loaded = (await handle.stat()).size;
  if (loaded > file.size) {
    await handle.truncate(0);
    loaded = 0;
  }
  options.onProgress?.(loaded);
  for (let failures = 0; loaded < file.size; ) {
    const before = loaded;
    try {
      loaded = await fetchRest(handle, file, loaded, options);
    } catch (error) {
      if (!(error instanceof HubUnreachable) || options.signal?.aborted) throw error;
      loaded = (await handle.stat()).size;
      failures = loaded > before ? 1 : failures + 1;
      if (failures >= attempts) throw error;
      await sleep(pauseMs * 2 ** (failures - 1), undefined, options.signal ? { signal: options.signal } : undefined);
    }
  }
}

/** One request for all that is missing. @returns the size reached. @throws HubUnreachable when the connection breaks. */
async function fetchRest(handle: FileHandle, file: HubFile, start: number, options: DownloadOptions): Promise<number> {
  const stall = new AbortController();
  const signal = options.signal ? AbortSignal.any([stall.signal, options.signal]) : stall.signal;
  let timer = setTimeout(() => stall.abort(), options.stallMs ?? 30_000);
  const broken = (why: string, cause?: unknown): HubUnreachable =>
    new HubUnreachable(`${options.id}: the download of ${file.path} broke off (${why}); run again to continue it`, {
      cause,
    });
  let loaded = start;
  try {
    const response = await options.fetch(options.url, {
      // Compressed answers would make ranges and lengths mean something else.
      headers: { "accept-encoding": "identity", ...(start > 0 ? { range: `bytes=${start}-` } : {}) },
      signal,
    });
    const resumed = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${start}-`);
    if (!resumed) {
      // A server without ranges sends everything again; 416 says that ours is longer than its file.
      await handle.truncate(0);
      loaded = 0;
      if (response.status === 416) return 0;
    }
    if (!response.body) return loaded;
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), options.stallMs ?? 30_000);
      if (loaded + chunk.byteLength > file.size)
        throw new CheckpointError(
          `${options.id}: ${file.path} is longer than the ${file.size} bytes that the hub lists`,
        );
      for (let written = 0; written < chunk.byteLength; ) {
        const { bytesWritten } = await handle.write(chunk, written, chunk.byteLength - written, loaded + written);
        written += bytesWritten;
      }
      loaded += chunk.byteLength;
      options.onProgress?.(loaded);
    }
  } catch (error) {
    if (error instanceof CheckpointError || options.signal?.aborted) throw error;
    if (
      typeof (error as NodeJS.ErrnoException).code === "string" &&
      (error as NodeJS.ErrnoException).syscall === "write"
    )
      throw error;
    throw broken(stall.signal.aborted ? "nothing came for a while" : (error as Error).message, error);
  } finally {
    clearTimeout(timer);
  }
  if (loaded < file.size) throw broken(`${loaded} of ${file.size} bytes`);
  return loaded;
}

/** Compares the checksum; a file that fails is removed, since continuing it could never succeed. */
async function verify(path: string, file: HubFile, id: string): Promise<void> {
  const hash = createHash(file.hash.hex.length === 64 ? "sha256" : "sha1");
  if (file.hash.kind === "git") hash.update(`blob ${file.size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Uint8Array);
  const actual = hash.digest("hex");
  if (actual === file.hash.hex && (await sizeOf(path)) === file.size) return;
  await rm(path, { force: true });
  throw new CheckpointError(
    `${id}: ${file.path} has the checksum ${actual.slice(0, 12)}… where ${file.hash.hex.slice(0, 12)}… is expected; it was damaged on the way, run again`,
  );
}
