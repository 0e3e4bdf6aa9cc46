/** From a clip to mono samples at one rate. */
import { type Channel, openAudio, speechBlocks } from "@uat/audio";
import { openFile } from "@uat/audio/node";
import { TrainingError } from "../errors.ts";
import { type Clip, clipName } from "./example.ts";

/** How a clip is heard. */
export interface DecodeOptions {
  /** Hz. */
  readonly sampleRate: number;
  readonly channel: Channel;
  /** No more than these seconds are decoded. */
  readonly maxSeconds?: number | undefined;
}

/**
 * Decodes a clip, no further than its end.
 * @throws AudioError when the file cannot be read or decoded; TrainingError when it holds no samples there.
 */
export async function decodeClip(clip: Clip, options: DecodeOptions): Promise<Float32Array> {
  const { sampleRate, channel, maxSeconds = Number.POSITIVE_INFINITY } = options;
  const name = clipName(clip);
  if ("bytes" in clip.audio && clip.audio.bytes.length === 0) throw new TrainingError(`${name}: has no audio`);
  const start = Math.round((clip.start ?? 0) * sampleRate);
  const wanted = Math.round(Math.min(clip.duration ?? Number.POSITIVE_INFINITY, maxSeconds) * sampleRate);
  const file = "path" in clip.audio ? await openFile(clip.audio.path) : undefined;
  const parts: Float32Array[] = [];
  let position = 0;
  let length = 0;
  try {
    const stream = await openAudio(file ?? (clip.audio as { bytes: Uint8Array }).bytes, { name });
    try {
      for await (const block of speechBlocks(stream, { sampleRate, channel, name })) {
        const part = block.subarray(Math.max(0, start - position), Math.max(0, start + wanted - position));
        position += block.length;
        // a block at the file's own rate may be a view of the decoder's buffer
        if (part.length > 0) parts.push(part.slice());
        length += part.length;
        if (length >= wanted) break;
      }
    } finally {
      stream.close();
    }
  } finally {
    await file?.close();
  }
  if (length === 0) {
    const seconds = (position / sampleRate).toFixed(2);
    throw new TrainingError(
      position === 0 ? `${name}: holds no samples` : `${name}: begins at ${clip.start} s of ${seconds} s`,
    );
  }
  const samples = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return samples;
}
