import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type LazyTensor, streamSafetensors } from "../safetensors-writer.ts";
import { uniqueSuffix, writeError } from "./hub-cache.ts";

/**
 * Writes a safetensors file beside its final place and renames it when whole; one tensor is in memory at a time.
 * @throws CheckpointError when it cannot be written (a full disk, no permission); no file is left then.
 */
export async function writeSafetensorsFile(
  path: string,
  tensors: ReadonlyMap<string, LazyTensor>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const temporary = `${path}.${uniqueSuffix()}.tmp`;
  let handle: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    handle = await open(temporary, "wx");
    const file = handle;
    await streamSafetensors(tensors, (chunk) => file.writeFile(chunk), metadata);
    await handle.close();
    await rename(temporary, path);
  } catch (cause) {
    await handle?.close().catch(() => {});
    await rm(temporary, { force: true });
    throw cause instanceof RangeError ? cause : writeError(path, cause);
  }
}
