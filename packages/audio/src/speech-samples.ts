/**
 * From a file to what a network hears: one channel at one rate. Channels are chosen before resampling, which gives the
 * same samples as resampling all of them first, since resampling is linear and treats each channel alone.
 */
import { type AudioStream, MAX_SAMPLE_RATE } from "./audio-stream.ts";
import type { ByteSource } from "./byte-source.ts";
import { type Channel, checkChannel, pickChannel } from "./channel.ts";
import { AudioError } from "./errors.ts";
import { openAudio } from "./open-audio.ts";
import { Resampler, resampledLength } from "./resample.ts";

export interface SpeechOptions {
  /** Rate wanted, Hz. 16,000 by default. */
  sampleRate?: number;
  /** Channel taken. The first, 0, by default. */
  channel?: Channel;
  /** What messages call the audio. */
  name?: string;
}

/** Mono samples of a clip. */
export interface SpeechSamples {
  /** At `sampleRate`; empty for a file without samples. */
  samples: Float32Array;
  sampleRate: number;
  /** Seconds, from the number of samples decoded. */
  duration: number;
}

/** Blocks of one channel at the wanted rate; together ceil(n · rate / stream rate) samples. */
export async function* speechBlocks(stream: AudioStream, options: SpeechOptions = {}): AsyncGenerator<Float32Array> {
  const { sampleRate = 16000, channel = 0, name = "audio" } = options;
  checkChannel(channel, stream.numberOfChannels, name);
  const resampler = new Resampler(stream.sampleRate, sampleRate);
  let position = 0;
  for await (const block of stream.blocks()) {
    const mono = pickChannel(block, channel);
    checkFinite(mono, position, stream.sampleRate, name);
    position += mono.length;
    const out = resampler.push(mono);
    if (out.length > 0) yield out;
  }
  const rest = resampler.flush();
  if (rest.length > 0) yield rest;
}

/** Refuses NaN and infinite samples, which would turn a whole clip's features into NaN. */
export function checkFinite(samples: Float32Array, position: number, sampleRate: number, name = "audio"): void {
  for (let i = 0; i < samples.length; i++) {
    if (!Number.isFinite(samples[i]!)) {
      const seconds = ((position + i) / sampleRate).toFixed(3);
      throw new AudioError(
        `${name}: sample ${position + i} (at ${seconds} s) is ${samples[i]}; expected finite numbers; repair or export the file again`,
      );
    }
  }
}

/**
 * Loads a whole clip: decode, choose a channel, resample.
 * An hour at 16 kHz is 230 MB; the decoded original is never held.
 * @throws AudioError for what cannot be decoded, absent channels, and NaN or infinite samples.
 */
export async function loadSpeechSamples(
  source: Uint8Array | ByteSource,
  options: SpeechOptions = {},
): Promise<SpeechSamples> {
  const sampleRate = options.sampleRate ?? 16000;
  const name = options.name ?? ("read" in source ? source.name : undefined) ?? "audio data";
  const size = "read" in source ? source.size : source.length;
  const stream = await openAudio(source, { name });
  try {
    // Headers may lie about the length; a guess is trusted only as far as the file's size makes it plausible.
    const hint = resampledLength(Math.round((stream.duration ?? 0) * stream.sampleRate), stream.sampleRate, sampleRate);
    const plausible = Number.isFinite(hint) && hint <= size * 64 && hint <= MAX_SAMPLE_RATE * 86400;
    const collected = new SampleBuffer(plausible ? hint : 0);
    for await (const block of speechBlocks(stream, { ...options, name, sampleRate })) collected.push(block);
    const samples = collected.finish();
    return { samples, sampleRate, duration: samples.length / sampleRate };
  } finally {
    stream.close();
  }
}

/** Samples of an AudioStream-like in-memory clip, e.g. (samples, rate) given to a library, treated as a file's are. */
export function speechFromChannels(
  channels: readonly Float32Array[],
  from: number,
  options: SpeechOptions = {},
): SpeechSamples {
  const { sampleRate = 16000, channel = 0, name = "audio" } = options;
  checkChannel(channel, channels.length, name);
  const mono = pickChannel(channels, channel);
  checkFinite(mono, 0, from, name);
  const resampler = new Resampler(from, sampleRate);
  const buffer = new SampleBuffer(resampledLength(mono.length, from, sampleRate));
  buffer.push(resampler.push(mono));
  buffer.push(resampler.flush());
  const samples = buffer.finish();
  return { samples, sampleRate, duration: samples.length / sampleRate };
}

/** An array that grows by half, so that copying stays a small share; exact when the first guess was. */
class SampleBuffer {
  #data: Float32Array;
  #length = 0;

  constructor(capacity: number) {
    this.#data = new Float32Array(capacity);
  }

  push(block: Float32Array): void {
    const needed = this.#length + block.length;
    if (needed > this.#data.length) {
      const grown = new Float32Array(Math.max(needed, Math.ceil(this.#data.length * 1.5), 1 << 16));
      grown.set(this.#data.subarray(0, this.#length));
      this.#data = grown;
    }
    this.#data.set(block, this.#length);
    this.#length = needed;
  }

  finish(): Float32Array {
    return this.#length === this.#data.length ? this.#data : this.#data.slice(0, this.#length);
  }
}
