/** The forms in which audio may be given to the library, all turned into blocks of 16 kHz mono. */
import {
  type AudioStream,
  type ByteSource,
  blobSource,
  type Channel,
  checkChannel,
  checkFinite,
  openAudio,
  pickChannel,
  Resampler,
  speechBlocks,
} from "@uat/audio";
import { openPath } from "#platform";
import { TokenizerError } from "./errors.ts";

/** Samples in [-1, 1] with their rate in Hz: one array, or one a channel. */
export interface RawAudio {
  /** [T], or for each channel [T] of one length; finite. */
  readonly samples: Float32Array | readonly Float32Array[];
  /** Hz, a whole number from 1,000 to 768,000. */
  readonly sampleRate: number;
}

/**
 * A file's path (Node) or URL, its bytes, a Blob or File, a source of byte ranges (`{ size, read(offset, length) }`), or
 * samples with their rate. The format of a file is told from its first bytes.
 */
export type AudioInput = string | URL | Uint8Array | Blob | ByteSource | RawAudio;

/** How audio is heard. */
export interface AudioInputOptions {
  /** Channel heard: an index from 0, or `"mean"` of all. The first by default, as upstream. */
  readonly channel?: Channel | undefined;
}

/** 16 kHz mono blocks and what is known of the clip before they are read. */
export interface OpenedAudio {
  /** For messages and results: the path, or a description. */
  readonly name: string;
  /** Seconds as the headers tell it. */
  readonly duration?: number | undefined;
  blocks(): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}

export async function openInput(
  input: AudioInput,
  rate: number,
  { channel = 0 }: AudioInputOptions = {},
): Promise<OpenedAudio> {
  if (typeof input === "object" && "samples" in input) return openSamples(input, rate, channel);
  const source = typeof input === "string" || input instanceof URL ? shortReads(await openPath(input)) : input;
  const bytes = source instanceof Blob ? blobSource(source) : source;
  if (!(bytes instanceof Uint8Array) && typeof bytes?.read !== "function") {
    throw new TokenizerError("audio must be a path, URL, Uint8Array, Blob or { samples, sampleRate }");
  }
  const name = (bytes instanceof Uint8Array ? undefined : bytes.name) ?? "audio";
  const closeSource = async () => {
    await (bytes as { close?: () => unknown }).close?.();
  };
  let stream: AudioStream;
  try {
    stream = await openAudio(bytes, { name });
  } catch (error) {
    await closeSource();
    throw error;
  }
  return {
    name,
    duration: stream.duration,
    blocks: () => speechBlocks(stream, { sampleRate: rate, channel, name }),
    async close() {
      stream.close();
      await closeSource();
    },
  };
}

/** Checkpoint files refuse ranges past their end; decoders read ahead and expect what there is. */
function shortReads(source: ByteSource & { close?(): unknown }): ByteSource & { close?(): unknown } {
  return {
    size: source.size,
    ...(source.name === undefined ? {} : { name: source.name }),
    read: (offset, length) => source.read(offset, Math.max(0, Math.min(length, source.size - offset))),
    close: () => source.close?.(),
  };
}

function openSamples({ samples, sampleRate }: RawAudio, rate: number, channel: Channel): OpenedAudio {
  const channels = samples instanceof Float32Array ? [samples] : samples;
  const length = channels[0]?.length ?? 0;
  if (channels.some((c) => !(c instanceof Float32Array) || c.length !== length)) {
    throw new TokenizerError("samples must be a Float32Array, or one of equal length for each channel");
  }
  const resampler = new Resampler(sampleRate, rate);
  return {
    name: "samples",
    duration: length / sampleRate,
    async *blocks() {
      if (channels.length === 0) return;
      checkChannel(channel, channels.length, "samples");
      const mono = pickChannel(channels, channel);
      checkFinite(mono, 0, sampleRate, "samples");
      yield resampler.push(mono);
      yield resampler.flush();
    },
    async close() {},
  };
}

/** Mono samples as they are recorded. */
export interface LiveAudio {
  /** Blocks of samples in [-1, 1], of any lengths. */
  readonly stream: AsyncIterable<Float32Array>;
  /** Hz, a whole number from 1,000 to 768,000. */
  readonly sampleRate: number;
}

export function openLive({ stream, sampleRate }: LiveAudio, rate: number): OpenedAudio {
  return {
    name: "stream",
    async *blocks() {
      const resampler = new Resampler(sampleRate, rate);
      let position = 0;
      for await (const block of stream) {
        checkFinite(block, position, sampleRate, "stream");
        position += block.length;
        yield resampler.push(block);
      }
      yield resampler.flush();
    },
    async close() {},
  };
}
