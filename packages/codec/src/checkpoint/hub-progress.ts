/** What happens while a model is fetched, with the statuses transformers.js reports. */
export interface HubProgress {
  readonly status: "initiate" | "download" | "progress" | "done" | "ready";
  /** Repository id. */
  readonly name: string;
  readonly file?: string;
  /** Bytes so far and in all, with status `progress`; a resumed download starts where it was. */
  readonly loaded?: number;
  readonly total?: number;
  /** Per cent, with status `progress`. */
  readonly progress?: number;
}
