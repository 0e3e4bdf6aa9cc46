/** Threads that prepare clips. From sources, as in tests, the calling thread does it: Node 20 loads no TypeScript there. */
import { Worker } from "node:worker_threads";
import type { Clip } from "./example.ts";
import { type Preparation, type PreparedClip, prepareClip } from "./prepare.ts";

/** One clip to be prepared. */
export interface ClipJob {
  readonly clip: Clip;
  readonly seed: number;
}

/** A clip, or the reason why it cannot be read. */
export type ClipOutcome = PreparedClip | { readonly unreadable: string };

export interface JobMessage extends ClipJob {
  readonly id: number;
}
export interface OutcomeMessage {
  readonly id: number;
  readonly outcome: ClipOutcome;
}

/** Whatever a strange file makes of its decoder counts as unreadable: a run must not end because of one clip. */
export async function runJob({ clip, seed }: ClipJob, preparation: Preparation): Promise<ClipOutcome> {
  try {
    return await prepareClip(clip, preparation, seed);
  } catch (error) {
    return { unreadable: (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim() };
  }
}

export interface WorkerPool {
  run(job: ClipJob): Promise<ClipOutcome>;
  close(): Promise<void>;
}

const workerUrl = import.meta.url.endsWith(".ts") ? undefined : new URL("./loader-worker.js", import.meta.url);

/** @param workers threads; 0 for the calling thread. */
export function createWorkerPool(workers: number, preparation: Preparation): WorkerPool {
  if (workerUrl === undefined || workers === 0)
    return { run: (job) => runJob(job, preparation), close: async () => {} };
  const url = workerUrl;
  const threads = Array.from({ length: workers }, () => new PoolThread(url, preparation));
  return {
    run(job) {
      const idlest = threads.reduce((best, thread) => (thread.load < best.load ? thread : best));
      return idlest.run(job);
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

/** One thread and its open jobs; it keeps the process alive only while there are some. */
class PoolThread {
  readonly #worker: Worker;
  readonly #open = new Map<number, { resolve: (outcome: ClipOutcome) => void; reject: (error: Error) => void }>();
  #nextId = 0;
  #ended: Error | undefined;

  constructor(url: URL, preparation: Preparation) {
    this.#worker = new Worker(url, { workerData: preparation });
    this.#worker.unref();
    this.#worker.on("message", ({ id, outcome }: OutcomeMessage) => {
      const job = this.#open.get(id);
      this.#open.delete(id);
      // an answer to a job that was given up may come while the end of the thread is waited for
      if (this.#open.size === 0 && !this.#ended) this.#worker.unref();
      job?.resolve(outcome);
    });
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", (code) => this.#end(new Error(`a data thread ended (exit code ${code})`)));
  }

  get load(): number {
    return this.#open.size;
  }

  run({ clip, seed }: ClipJob): Promise<ClipOutcome> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      // of an array that is a view of a larger one, all would be sent
      const bytes = "bytes" in clip.audio ? clip.audio.bytes.slice() : undefined;
      const audio = bytes ? { ...clip.audio, bytes } : clip.audio;
      const message: JobMessage = { id, clip: { ...clip, audio }, seed };
      this.#open.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(message, bytes ? [bytes.buffer as ArrayBuffer] : []);
    });
  }

  async close(): Promise<void> {
    this.#end(new Error("the data threads were closed"));
    await this.#worker.terminate();
  }

  /** From here on every job fails at once: nobody would answer it. */
  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#open.values()) reject(this.#ended);
    this.#open.clear();
  }
}
