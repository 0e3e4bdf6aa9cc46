/** An audio file or stream that grows chunk by chunk. */
import type { AudioFormat, WavEncoding } from "@uat/audio";
import type { OutputFile } from "./outputs.ts";

/** The format that a file's name asks for by its ending; wav where it asks for none. */
export function formatOf(path: string): AudioFormat {
  if (/\.flac$/i.test(path)) return "flac";
  return /\.(opus|ogg|oga)$/i.test(path) ? "opus" : "wav";
}

/** A mono writer over a file, whose header is corrected at the end, or a pipe, whose header says "until the end". */
export async function audioOutput(file: OutputFile, sampleRate: number, encoding: WavEncoding) {
  const { openAudioWriter } = await import("@uat/audio/node");
  const sink = {
    write: (bytes: Uint8Array) => file.write(bytes),
    ...(file.seekable ? { patchHeader: (header: Uint8Array) => file.rewrite(0, header) } : {}),
  };
  return openAudioWriter(formatOf(file.path), sink, sampleRate, 1, encoding);
}
