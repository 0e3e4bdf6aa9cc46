/** A wav file or stream that grows chunk by chunk. */
import { type WavEncoding, WavWriter } from "@uat/audio";
import type { OutputFile } from "./outputs.ts";

/** A mono wav writer over a file, whose header is corrected at the end, or a pipe, whose header says "until the end". */
export function wavOutput(file: OutputFile, sampleRate: number, encoding: WavEncoding): WavWriter {
  const sink = {
    write: (bytes: Uint8Array) => file.write(bytes),
    ...(file.seekable ? { patchHeader: (header: Uint8Array) => file.rewrite(0, header) } : {}),
  };
  return new WavWriter(sink, sampleRate, 1, encoding);
}
