/** Tells files of codes from audio by their first bytes, as audio containers are told from each other. */

import type { NamedAudio } from "./audio-files.ts";
import { withSource } from "./open-source.ts";

/** npy begins so; JSON with a bracket, lists of numbers with a digit, perhaps after blanks. No audio container does. */
const NPY = [0x93, 0x4e, 0x55, 0x4d];
const TEXT = /^\s*[[{\d-]/;

/** Whether a file holds codes: JSON, jsonl, txt or npy. */
export function holdsTokens({ audio }: NamedAudio): Promise<boolean> {
  return withSource(audio, async (source) => {
    const head = await source.read(0, Math.min(16, source.size));
    return NPY.every((byte, i) => head[i] === byte) || TEXT.test(new TextDecoder("latin1").decode(head));
  });
}
