/**
 * For Node only (`@uat/audio/node`): files on disk, for which browsers use {@link blobSource}, and files to be sent or
 * kept, of which Opus needs WebAssembly from the disk.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { ByteSource } from "./byte-source.ts";
import { AudioError, messageOf } from "./errors.ts";

export { encodeAudio, openAudioWriter } from "./open-writer.ts";

/** A file on disk as a {@link ByteSource}; close it after use. */
export interface FileSource extends ByteSource {
  readonly name: string;
  close(): Promise<void>;
}

/** Opens a file for random access. @throws AudioError when it is missing, unreadable or a directory. */
export async function openFile(path: string): Promise<FileSource> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new AudioError(`${path}: is a directory; expected an audio file; name a file in it`);
    const file = handle;
    return {
      name: path,
      size: stat.size,
      async read(offset, length) {
        const out = new Uint8Array(Math.max(0, Math.min(length, stat.size - offset)));
        const { bytesRead } = await file.read(out, 0, out.length, offset);
        return out.subarray(0, bytesRead);
      },
      close: () => file.close(),
    };
  } catch (error) {
    await handle?.close();
    if (error instanceof AudioError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new AudioError(
      missing
        ? `${path}: no such file; expected an audio file; check the path`
        : `${path}: cannot be read (${messageOf(error)}); expected a readable audio file; check its permissions`,
    );
  }
}
