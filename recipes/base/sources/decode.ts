/** One audio file in memory → 16 kHz mono. */
import { openAudio, speechBlocks } from "@uat/audio";
import { SHARD_SAMPLE_RATE } from "../codebook/shard.ts";

/** What is taken of a file, in seconds. */
export interface Excerpt {
  /** Where to start; files hardly longer than that are read from their beginning. */
  skip: number;
  /** At most so much. */
  length: number;
}

/** Decodes no more of the file than the excerpt needs; channels are averaged. */
export async function decodeExcerpt(
  bytes: Uint8Array,
  name: string,
  excerpt: Excerpt,
): Promise<{ samples: Float32Array; originalRate: number }> {
  const stream = await openAudio(bytes, { name });
  const skip = Math.round(excerpt.skip * SHARD_SAMPLE_RATE);
  const wanted = Math.round(excerpt.length * SHARD_SAMPLE_RATE);
  const parts: Float32Array[] = [];
  let length = 0;
  try {
    for await (const block of speechBlocks(stream, { sampleRate: SHARD_SAMPLE_RATE, channel: "mean", name })) {
      parts.push(block);
      length += block.length;
      if (length >= skip + wanted) break;
    }
  } finally {
    stream.close();
  }
  const whole = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  const start = length > skip * 1.5 ? skip : 0;
  return { samples: whole.slice(start, start + wanted), originalRate: stream.sampleRate };
}
