/** Worker thread that prepares clips for worker-pool.ts, one at a time. */
import { parentPort, workerData } from "node:worker_threads";
import type { Preparation } from "./prepare.ts";
import { type JobMessage, type OutcomeMessage, runJob } from "./worker-pool.ts";

let queue = Promise.resolve();

async function answer({ id, ...job }: JobMessage): Promise<void> {
  const outcome = await runJob(job, workerData as Preparation);
  const buffers =
    "tensors" in outcome ? Object.values(outcome.tensors).map(({ data }) => data.buffer as ArrayBuffer) : [];
  parentPort?.postMessage({ id, outcome } satisfies OutcomeMessage, [...new Set(buffers)]);
}

parentPort?.on("message", (job: JobMessage) => {
  queue = queue.then(() => answer(job));
});
