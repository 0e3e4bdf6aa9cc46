/** The bytes behind an audio argument, for a moment. */
import type { ByteSource } from "@uat/audio";
import { openPath } from "universal-audio-tokenizer/internal";

/** Runs `body` over a path, URL or source and closes what was opened for it. */
export async function withSource<T>(audio: string | ByteSource, body: (source: ByteSource) => Promise<T>): Promise<T> {
  if (typeof audio !== "string") return body(audio);
  const source = await openPath(audio);
  try {
    return await body(source);
  } finally {
    await (source as { close?: () => Promise<void> }).close?.();
  }
}

/** The same for audio readers, which read ahead and expect what there is; files of a model refuse that. */
export const withAudioSource = <T>(audio: string | ByteSource, body: (source: ByteSource) => Promise<T>): Promise<T> =>
  withSource(audio, (source) => body(clamped(source)));

export const clamped = (source: ByteSource): ByteSource => ({
  size: source.size,
  ...(source.name === undefined ? {} : { name: source.name }),
  read: (offset, length) => source.read(offset, Math.max(0, Math.min(length, source.size - offset))),
});
