/** The networks as the page sees them: promises, with everything heavy in a worker. */
import type { Call, CallName, EngineCalls, Progress, Reply } from "./protocol.ts";

interface Waiting {
  resolve(result: never): void;
  reject(error: Error): void;
  onProgress: ((progress: Progress) => void) | undefined;
}

/** Thrown to those who waited for a call that was cancelled. */
export class Cancelled extends Error {}

export class EngineClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor() {
    this.#worker = new Worker(new URL("./engine-worker.ts", import.meta.url), { type: "module", name: "engine" });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the engine could not start: ${event.message || "its script did not load"}`));
      this.#waiting.clear();
    };
  }

  /** @param options a signal that cancels the call, and who is told how far it is. */
  call<Name extends CallName>(
    name: Name,
    args: Parameters<EngineCalls[Name]>,
    options: { signal?: AbortSignal | undefined; onProgress?: ((progress: Progress) => void) | undefined } = {},
  ): Promise<ReturnType<EngineCalls[Name]>> {
    const id = ++this.#last;
    const { signal, onProgress } = options;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ id, name, args } satisfies Call);
      signal?.addEventListener("abort", () => {
        if (!this.#waiting.delete(id)) return;
        this.#worker.postMessage({ id, name: "cancel", args: [] } satisfies Call);
        reject(new Cancelled("cancelled"));
      });
    });
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ("progress" in reply) {
      waiting.onProgress?.(reply.progress);
      return;
    }
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting.reject(new Error(reply.error));
    else waiting.resolve(reply.result as never);
  }
}
