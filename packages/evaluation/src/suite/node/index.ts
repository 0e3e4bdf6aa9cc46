/** @packageDocumentation Running the evaluation suite: files, hashes, results that outlast the process. Node only. */
export { writeError } from "./files.ts";
export { listDigest, modelDigest, sha256OfFile } from "./model-digest.ts";
export { ResultStore } from "./result-store.ts";
export { type ClipSource, type ModelSource, type RunOptions, runEvaluation } from "./run-evaluations.ts";
