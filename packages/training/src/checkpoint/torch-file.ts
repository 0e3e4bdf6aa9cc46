import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { streamTorchFile, type TorchValue } from "universal-audio-tokenizer/internal";
import { writeFailure } from "./file-errors.ts";

/**
 * Writes a file of torch.save beside its final place and renames it when whole.
 * @throws TrainingError when it cannot be written; no file is left then.
 */
export async function writeTorchFile(path: string, value: TorchValue): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, "w");
    const file = handle;
    await streamTorchFile(value, (chunk) => file.writeFile(chunk));
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeFailure(path, error);
  }
}
