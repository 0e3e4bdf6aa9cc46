/**
 * The files a command writes, all or none: each grows in a temporary file beside its target and is renamed when the
 * command has succeeded. After a failure or Ctrl-C nothing is left, not even directories made on the way.
 */
import { randomBytes } from "node:crypto";
import { constants, mkdirSync, realpathSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { access, type FileHandle, open, rename, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError, systemError } from "../errors.ts";
import { onInterrupt } from "../interrupt.ts";

/** One file being written. */
export interface OutputFile {
  readonly path: string;
  /** Whether bytes already written can be replaced; not so in pipes and devices. */
  readonly seekable: boolean;
  write(bytes: Uint8Array): Promise<void>;
  /** Replaces bytes at `offset`. */
  rewrite(offset: number, bytes: Uint8Array): Promise<void>;
}

class PendingFile implements OutputFile {
  readonly path: string;
  readonly seekable: boolean;
  /** Where the bytes are; the target itself for devices and pipes. */
  readonly temporary: string;
  readonly #target: string;
  readonly #handle: FileHandle;
  #length = 0;
  #closed = false;

  constructor(path: string, target: string, temporary: string, handle: FileHandle) {
    this.path = path;
    this.seekable = temporary !== target;
    this.temporary = temporary;
    this.#target = target;
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#put(bytes, this.seekable ? this.#length : null);
    this.#length += bytes.length;
  }

  rewrite(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#put(bytes, offset);
  }

  async #put(bytes: Uint8Array, position: number | null): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const at = position === null ? null : position + done;
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
      }
    } catch (error) {
      throw systemError(this.path, "written", error);
    }
  }

  /** Makes sure that the bytes are on the disk: only then is a full disk known. */
  async finish(): Promise<void> {
    try {
      if (this.seekable) await this.#handle.sync();
      this.#closed = true;
      await this.#handle.close();
    } catch (error) {
      throw systemError(this.path, "written", error);
    }
  }

  async publish(): Promise<void> {
    if (!this.seekable) return;
    try {
      await rename(this.temporary, this.#target);
    } catch (error) {
      throw systemError(this.path, "written", error);
    }
  }

  discard(): void {
    if (!this.#closed) this.#handle.close().catch(() => undefined);
    this.#closed = true;
    if (this.seekable) removeQuietly(() => unlinkSync(this.temporary));
  }
}

export class Outputs {
  readonly #files: PendingFile[] = [];
  /** Directories made for the files, outermost first. */
  readonly #made: string[] = [];
  /** Temporary files that may be there already, before they are known to be open. */
  readonly #opening = new Set<string>();

  /** Opens a file for writing; missing directories are made. @throws InputError where that cannot be. */
  async open(path: string): Promise<OutputFile> {
    try {
      const file = await this.#open(path);
      this.#files.push(file);
      this.#opening.delete(file.temporary);
      return file;
    } catch (error) {
      throw systemError(path, "written", error);
    }
  }

  async #open(path: string): Promise<PendingFile> {
    if (path === "" || /[\\/]$/.test(path)) throw new InputError(`${path || '""'}: is not the name of a file`);
    const existing = await statOf(path);
    if (existing?.isDirectory()) throw new InputError(`${path}: is a directory; give the name of a file to write`);
    if (existing && !existing.isFile()) return new PendingFile(path, path, path, await open(path, "w"));
    if (existing) await access(path, constants.W_OK);
    // a link stays a link: what it points to is replaced
    const target = existing ? realpathSync(path) : resolve(path);
    const folder = dirname(target);
    // synchronous: a signal must not come between the folder and its being remembered
    const first = mkdirSync(folder, { recursive: true });
    if (first !== undefined) this.#remember(first, folder);
    const temporary = join(folder, `.uat-${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
    this.#opening.add(temporary);
    return new PendingFile(path, target, temporary, await open(temporary, "wx", existing ? existing.mode : 0o666));
  }

  /** Gives every file its name. */
  async commit(): Promise<void> {
    for (const file of this.#files) await file.finish();
    for (const file of this.#files) await file.publish();
  }

  /** Removes everything; synchronous, as it must work while a signal ends the process. */
  discard(): void {
    for (const file of this.#files) file.discard();
    for (const temporary of this.#opening) removeQuietly(() => unlinkSync(temporary));
    for (const folder of this.#made.reverse()) removeQuietly(() => rmdirSync(folder));
  }

  #remember(first: string, last: string): void {
    const made = [last];
    for (let folder = last; folder !== first && dirname(folder) !== folder; ) made.push((folder = dirname(folder)));
    this.#made.push(...made.reverse());
  }
}

/** Runs `body`; keeps the files it wrote when it returns, removes them when it throws or is interrupted. */
export async function withOutputs<T>(body: (outputs: Outputs) => Promise<T>): Promise<T> {
  const outputs = new Outputs();
  const release = onInterrupt(() => outputs.discard());
  try {
    const result = await body(outputs);
    await outputs.commit();
    return result;
  } catch (error) {
    outputs.discard();
    throw error;
  } finally {
    release();
  }
}

/** The name of a file without folders and its last ending. */
export function stem(path: string): string {
  const name = basename(path);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Removing must not hide the error that led to it. */
function removeQuietly(remove: () => void): void {
  try {
    remove();
  } catch {}
}
