/** What happens while a model is fetched, with the statuses transformers.js reports. */
export interface HubProgress {
  /** In this order: a download is announced, starts, goes on, is done; `ready` once all files are there. */
  readonly status: "initiate" | "download" | "progress" | "done" | "ready";
  /** Repository id. */
  readonly name: string;
  /** Path inside the repository; absent with `ready`. */
  readonly file?: string;
  /** Bytes so far, with status `progress`; a resumed download starts where it was. */
  readonly loaded?: number;
  /** Bytes in all, with status `progress`. */
  readonly total?: number;
  /** Per cent, with status `progress`. */
  readonly progress?: number;
}
