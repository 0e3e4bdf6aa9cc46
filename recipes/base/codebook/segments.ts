/**
 * Groups clips into pieces for the encoder. Whisper knows where in its 30 s window a frame lies, and short clips alone
 * would only ever show it the first seconds; so clips of one class are strung together to pieces of varied length.
 */
import type { Random } from "@uat/training";
import { type Clip, SHARD_SAMPLE_RATE } from "./shard.ts";

/** Longest piece the encoder takes, in samples. */
const LONGEST = 30 * SHARD_SAMPLE_RATE;

/** Every clip once, in pieces of one class and at most 30 s; each piece's target length is drawn from 2 to 30 s. */
export function makeSegments(clips: readonly Clip[], random: Random): Clip[][] {
  const segments: Clip[][] = [];
  const classes = [...new Set(clips.map((clip) => clip.class))];
  for (const name of classes) {
    const members = clips.filter((clip) => clip.class === name);
    let current: Clip[] = [];
    let length = 0;
    let target = 0;
    const flush = () => {
      if (current.length > 0) segments.push(current);
      current = [];
      length = 0;
      target = random.uniform(2, 30) * SHARD_SAMPLE_RATE;
    };
    flush();
    for (const i of random.sample(members.length, members.length)) {
      const clip = members[i]!;
      if (length >= target || length + clip.length > LONGEST) flush();
      current.push(clip);
      length += clip.length;
    }
    flush();
  }
  return segments;
}
