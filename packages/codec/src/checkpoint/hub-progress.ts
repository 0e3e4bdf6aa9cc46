/** What happens while a model is fetched, with the statuses transformers.js reports. */
export interface HubProgress {
  readonly status: "initiate" | "download" | "progress" | "done" | "ready";
  /** Repository id. */
  readonly name: string;
  readonly file?: string;
  /** Bytes so far and in all, with status `progress`. */
  readonly loaded?: number;
  readonly total?: number;
}
