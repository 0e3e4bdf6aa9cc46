/** Files that survive a power cut: nothing counts as written before the disk has it. */
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const BLOCK = 4 << 20;

/** Size and checksum of a file as it is on disk. */
export interface FileDigest {
  readonly bytes: number;
  readonly crc32: number;
}

async function withHandle<T>(path: string, flags: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Windows flushes only what is open for writing. */
const FLUSHABLE = process.platform === "win32" ? "r+" : "r";

/** Reads a file through; with `flush` it waits until the disk has it. */
export function digestFile(path: string, { flush = false } = {}): Promise<FileDigest> {
  return withHandle(path, flush ? FLUSHABLE : "r", async (handle) => {
    if (flush) await handle.sync();
    const block = Buffer.allocUnsafe(BLOCK);
    let bytes = 0;
    let checksum = 0;
    for (;;) {
      const { bytesRead } = await handle.read(block, 0, BLOCK, bytes);
      if (bytesRead === 0) return { bytes, crc32: checksum };
      checksum = crc32(block.subarray(0, bytesRead), checksum);
      bytes += bytesRead;
    }
  });
}

/** Writes a new file and waits until the disk has it. */
export function writeDurable(path: string, text: string): Promise<void> {
  return withHandle(path, "wx", async (handle) => {
    await handle.writeFile(text);
    await handle.sync();
  });
}

/** Waits until the disk has the names in a folder; systems that cannot do so keep them in order by themselves. */
export async function flushFolder(path: string): Promise<void> {
  try {
    await withHandle(path, "r", (handle) => handle.sync());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "EISDIR" && code !== "EINVAL" && code !== "EACCES") throw error;
  }
}

/** All files below a folder, with "/" between the parts of their names, and the folders that hold them. */
export async function filesBelow(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [];
  const folders = [""];
  for (const inside of folders)
    for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
      const name = inside ? `${inside}/${entry.name}` : entry.name;
      if (entry.isDirectory()) folders.push(name);
      else files.push(name);
    }
  return { files: files.sort(), folders };
}
