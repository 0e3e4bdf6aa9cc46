/** What writers of audio files have in common. */

/** Formats that are written: wav, flac (16 bits, lossless) and Opus in Ogg. */
export type AudioFormat = "wav" | "flac" | "opus";

/** Where a writer puts its bytes. */
export interface AudioSink {
  /** Appends bytes. */
  write(bytes: Uint8Array): Promise<void> | void;
  /** Overwrites the header at offset 0 once the length is known; absent for pipes. */
  patchHeader?(header: Uint8Array): Promise<void> | void;
}

/** A file that grows block by block. */
export interface AudioWriter {
  /** Appends a block of channel arrays of one length, samples clipped at ±1. */
  write(channels: readonly Float32Array[]): Promise<void>;
  /** Writes what is held back, and the final sizes where the sink can go back. Nothing written gives a valid empty file. */
  close(): Promise<void>;
}

const MEDIA_TYPES = { wav: "audio/wav", flac: "audio/flac", opus: "audio/ogg; codecs=opus" } as const;

/** The media type of a format (RFC 7845, section 9, for Opus). */
export const audioMediaType = (format: AudioFormat): string => MEDIA_TYPES[format];
