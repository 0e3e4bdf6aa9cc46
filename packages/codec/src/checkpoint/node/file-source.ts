import { type FileHandle, open, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type ByteSource, checkRange } from "../byte-source.ts";
import { CheckpointError } from "../errors.ts";
import { type ModelFiles, readText } from "../model-files.ts";

// One read call may not pass 2 GiB - 1 on any platform.
const MAX_READ = 2 ** 30;

/** One line for a file system error: `missing` for ENOENT, the system's words otherwise. */
function fileError(path: string, cause: unknown): CheckpointError {
  const code = (cause as NodeJS.ErrnoException).code;
  const reason =
    code === "ENOENT" || code === "ENOTDIR"
      ? "no such file"
      : code === "EACCES" || code === "EPERM"
        ? "permission denied"
        : (cause as Error).message;
  return new CheckpointError(`${path}: ${reason}`, { cause });
}

/**
 * A source over a local file. The handle stays open until `close`.
 * @throws CheckpointError when the file is missing, a directory or cannot be read.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const absolute = resolve(path);
  let handle: FileHandle;
  let size: number;
  try {
    handle = await open(absolute, "r");
  } catch (cause) {
    throw fileError(path, cause);
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new CheckpointError(`${path}: is not a file`);
    size = stats.size;
  } catch (cause) {
    await handle.close();
    throw cause instanceof CheckpointError ? cause : fileError(path, cause);
  }
  return {
    size,
    name: path,
    path: absolute,
    async read(offset, length) {
      checkRange({ size, name: path }, offset, length);
      const bytes = new Uint8Array(length);
      let done = 0;
      try {
        while (done < length) {
          const { bytesRead } = await handle.read(bytes, done, Math.min(MAX_READ, length - done), offset + done);
          if (bytesRead === 0) throw new CheckpointError(`${path}: ended early; it was cut short while being read`);
          done += bytesRead;
        }
      } catch (cause) {
        throw cause instanceof CheckpointError ? cause : fileError(path, cause);
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** The files of a directory on disk. */
export function directoryFiles(directory: string): ModelFiles {
  const openFile = (path: string): Promise<ByteSource> => fileSource(join(directory, path));
  return {
    source: directory,
    async exists(path) {
      try {
        return (await stat(join(directory, path))).isFile();
      } catch {
        return false;
      }
    },
    open: openFile,
    async text(path) {
      const source = await openFile(path);
      try {
        return await readText(source);
      } finally {
        await source.close();
      }
    },
  };
}
