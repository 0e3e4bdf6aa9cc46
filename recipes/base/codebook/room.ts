/** The rooms of the default weights' training clips: sparse echoes. Kept as it was, so that the weights can be made again. */
import { level, type Random } from "@uat/training";
import { SHARD_SAMPLE_RATE } from "./shard.ts";

/**
 * A room: the direct sound and 150 echoes at random delays, which fade by 60 dB within `seconds`. Sparse echoes are
 * enough for a reverberant spectrum and cost little.
 */
export function room(samples: Float32Array, seconds: number, random: Random): Float32Array {
  const out = samples.slice();
  for (let echo = 0; echo < 150; echo++) {
    const time = seconds * random.uniform(0.01, 1) ** 2;
    const delay = Math.max(1, Math.round(time * SHARD_SAMPLE_RATE));
    const factor = 0.25 * random.normal() * 10 ** ((-3 * time) / seconds);
    for (let i = delay; i < out.length; i++) out[i] = out[i]! + factor * samples[i - delay]!;
  }
  const scale = level(samples) / (level(out) || 1);
  return out.map((value) => Math.max(-1, Math.min(1, value * scale)));
}
