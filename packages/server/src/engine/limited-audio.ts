/** Files from strangers as 16 kHz blocks: refused as soon as their length or channels pass what is allowed. */
import { AudioError, type Channel, detectContainer, openAudio, speechBlocks } from "@uat/audio";
import { RequestError } from "../errors.ts";
import type { Control } from "./engine.ts";

/** Hz of the blocks. */
export const SPEECH_RATE = 16_000;

export interface AudioLimits {
  readonly maxSeconds: number;
  readonly maxChannels: number;
}

/** @throws RequestError when nobody waits any longer. */
export function checkControl({ deadline, signal }: Control): void {
  signal?.throwIfAborted();
  if (Date.now() > deadline)
    throw new RequestError("deadline_exceeded", "the deadline passed before the work was done");
}

const tooLong = (name: string, maxSeconds: number) =>
  new RequestError("too_large", `${name}: longer than ${maxSeconds} s, the most this server takes; send it in parts`);

/**
 * Mono blocks at 16 kHz of a file in memory.
 * @throws RequestError: `empty` without samples, `unsupported_media_type` for what is no known audio format, `invalid`
 * for damaged files and absent channels, `too_large` past the seconds.
 */
export async function* limitedAudio(
  bytes: Uint8Array,
  name: string,
  channel: Channel,
  limits: AudioLimits,
  control: Control,
): AsyncGenerator<Float32Array> {
  const { maxSeconds, maxChannels } = limits;
  if (bytes.length === 0) throw new RequestError("empty", `${name}: empty, 0 bytes; send an audio file`);
  try {
    const stream = await openAudio(bytes, { name });
    try {
      if (stream.numberOfChannels > maxChannels) {
        const count = stream.numberOfChannels;
        throw new RequestError("invalid", `${name}: ${count} channels; this server takes up to ${maxChannels}`);
      }
      if ((stream.duration ?? 0) > maxSeconds) throw tooLong(name, maxSeconds);
      let samples = 0;
      let breath = Date.now();
      for await (const block of speechBlocks(stream, { sampleRate: SPEECH_RATE, channel, name })) {
        samples += block.length;
        if (samples > maxSeconds * SPEECH_RATE) throw tooLong(name, maxSeconds);
        checkControl(control);
        yield block;
        // decoders that never wait would keep this thread from hearing that the client has gone
        if (Date.now() - breath > 50) {
          await new Promise((resolve) => setImmediate(resolve));
          breath = Date.now();
        }
      }
      if (samples === 0) throw new RequestError("empty", `${name}: has no samples; send audio that is not empty`);
    } finally {
      stream.close();
    }
  } catch (error) {
    if (!(error instanceof AudioError)) throw error;
    const known = detectContainer(bytes.subarray(0, 16)) !== undefined || startsWithTag(bytes);
    throw new RequestError(known ? "invalid" : "unsupported_media_type", error.message, { cause: error });
  }
}

/** mp3, flac and aac files may begin with an ID3 tag. */
const startsWithTag = (bytes: Uint8Array): boolean => bytes[0] === 0x49 && bytes[1] === 0x44 && bytes[2] === 0x33;
