/**
 * What the decoder is asked to write about a clip. The task is the decoder's first token: Whisper's own start token for
 * transcription, one of three added tokens for the others.
 */

export const TASKS = ["asr", "ser", "caption", "sap"] as const;

/** `asr`: what is said; `ser`: its emotion; `caption`: the scene in a sentence; `sap`: the answer in JSON. */
export type Task = (typeof TASKS)[number];

/** The decoder's first token. */
export const START_TOKENS: Readonly<Record<Task, string>> = {
  asr: "<|startoftranscript|>",
  ser: "<|emotion|>",
  caption: "<|startofcaption|>",
  sap: "<|startofsap|>",
};

/** Start tokens that Whisper's vocabulary lacks, in the order in which they are appended to it. */
export const ADDED_START_TOKENS: readonly string[] = [START_TOKENS.ser, START_TOKENS.caption, START_TOKENS.sap];

/** The decoder's last token. */
export const END_TOKEN = "<|endoftext|>";
