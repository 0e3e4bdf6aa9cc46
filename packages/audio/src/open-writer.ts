/** Any of the formats that are written, block by block or whole. */
import type { AudioFormat, AudioSink, AudioWriter } from "./audio-writer.ts";
import { AudioError } from "./errors.ts";
import { FlacWriter } from "./flac-writer.ts";
import { type WavEncoding, WavWriter } from "./wav-writer.ts";

/** A writer whose memory outside JavaScript can be given back without finishing the file. */
export interface OpenWriter extends AudioWriter {
  /** Gives up the file; after `close` it does nothing. */
  abandon(): void;
}

/**
 * A writer of the format; `close` or `abandon` it.
 * @param encoding of wav; flac has 16 bits, and Opus a coding of its own.
 * @throws AudioError for rates and numbers of channels that the format does not have, and for flac and Opus in floats.
 */
export async function openAudioWriter(
  format: AudioFormat,
  sink: AudioSink,
  sampleRate: number,
  channels: number,
  encoding?: WavEncoding,
): Promise<OpenWriter> {
  if (format !== "wav" && encoding === "f32")
    throw new AudioError(`${format} output as f32: only wav holds floats; leave the encoding out or write wav`);
  if (format === "opus") return (await import("./opus-writer.ts")).OpusWriter.open(sink, sampleRate, channels);
  const writer =
    format === "wav" ? new WavWriter(sink, sampleRate, channels, encoding) : new FlacWriter(sink, sampleRate, channels);
  return {
    write: (block) => writer.write(block),
    close: () => writer.close(),
    abandon() {},
  };
}

/** A whole file from channel arrays of one length, samples clipped at ±1. @throws AudioError as {@link openAudioWriter}. */
export async function encodeAudio(
  format: AudioFormat,
  channels: readonly Float32Array[],
  sampleRate: number,
  encoding?: WavEncoding,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const sink: AudioSink = {
    write: (bytes) => void parts.push(bytes),
    patchHeader: (header) => void (parts[0] = header),
  };
  const writer = await openAudioWriter(format, sink, sampleRate, channels.length, encoding);
  try {
    await writer.write(channels);
    await writer.close();
  } finally {
    writer.abandon();
  }
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
