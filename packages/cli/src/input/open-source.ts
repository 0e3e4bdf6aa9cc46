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
