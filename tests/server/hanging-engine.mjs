// The thread of an engine that answers every clip with one code, but for clips that end with 0xEE: those never end.
import { parentPort } from "node:worker_threads";

parentPort.on("message", ({ kind, call, job }) => {
  if (kind !== "tokens") return;
  while (job.audio.at(-1) === 0xee);
  parentPort.postMessage({ kind: "value", call, value: { codes: Int32Array.of(1), duration: 0.04, ties: 0 } });
});
parentPort.postMessage({
  kind: "ready",
  info: { id: "hanging", codebookSize: 4, frameRate: 25, tokenizer: { runtime: "none", liveIsExact: false } },
});
