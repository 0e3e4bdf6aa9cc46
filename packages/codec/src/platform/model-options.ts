import type { HubProgress } from "../checkpoint/hub-progress.ts";

/** Which files of a model are opened, and who is told. */
export interface OpenModelOptions {
  /** Branch, tag or commit of a hub repository; `main` by default. */
  readonly revision?: string | undefined;
  /** Told about downloads, with the statuses of transformers.js. */
  readonly progress_callback?: ((progress: HubProgress) => void) | undefined;
  /** Told the licence of a repository before its first download. */
  readonly onLicense?: ((license: { id: string; license: string }) => void) | undefined;
  /** Fetch only this part of a hub repository; `fromPretrained` sets it by itself. */
  readonly part?: "tokenizer" | "decoder" | undefined;
}
