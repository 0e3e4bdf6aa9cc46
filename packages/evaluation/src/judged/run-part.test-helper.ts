/** Runs a part of the suite in the suite's own frame, on clips that a test makes up. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AudioTokenizer } from "universal-audio-tokenizer";
import { EvaluationError } from "../errors.ts";
import { fixturePath } from "../fixtures.ts";
import type { TaskReport } from "../report/report.ts";
import type { Evaluation, EvaluationClip } from "../suite/evaluation.ts";
import { ResultStore, runEvaluation } from "../suite/node/index.ts";

export interface MadeUpClip extends Partial<Omit<EvaluationClip, "read" | "hash">> {
  readonly name: string;
  /** Silence of 0.2 s by default. */
  readonly samples?: Float32Array;
}

/** A folder for results, which outlast a run. */
export function resultsFolder(): { path: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "uat-judged-test-"));
  return { path: join(folder, "results.jsonl"), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const clipOf = ({ samples = new Float32Array(3200), ...facts }: MadeUpClip): EvaluationClip => ({
  columns: {},
  ...facts,
  hash: createHash("sha256").update(Buffer.from(samples.buffer)).digest("hex"),
  read: async () => ({ samples, seconds: samples.length / 16_000 }),
});

export interface RunPartOptions {
  readonly clips?: readonly MadeUpClip[];
  /** Clips that lists name by path. */
  readonly files?: Readonly<Record<string, Float32Array>>;
  readonly results: string;
}

export async function runPart(
  evaluation: Evaluation,
  { clips = [], files = {}, results }: RunPartOptions,
): Promise<{ task: TaskReport; warnings: string[] }> {
  const store = await ResultStore.open(results);
  const warnings: string[] = [];
  const model = fixturePath("tokenizers/uniaudio/checkpoint");
  let tokenizer: AudioTokenizer | undefined;
  try {
    const task = await runEvaluation(evaluation, {
      inputs: ["list"],
      source: {
        clips: async () => clips.map(clipOf),
        open: async (path, facts = {}) => {
          const samples = files[path];
          if (!samples) throw new EvaluationError(`${path}: no such file; expected an audio file; check the path`);
          return clipOf({ name: path, samples, ...(facts as Partial<MadeUpClip>) });
        },
      },
      model: {
        name: model,
        sha256: "0".repeat(64),
        files: [],
        settings: "fp32",
        tokenizer: async () => (tokenizer ??= await AudioTokenizer.fromPretrained(model, { threads: 1 })),
        decoder: () => Promise.reject(new Error("nothing is decoded here")),
      },
      store,
      seed: 42,
      signal: new AbortController().signal,
      command: "test",
      machine: {},
      keepPlayer: ({ title, texts }) => ({ title, texts: texts ?? {}, sounds: [] }),
      onProgress: () => undefined,
      onNote: () => undefined,
      onWarning: (message) => warnings.push(message),
    });
    return { task, warnings };
  } finally {
    await tokenizer?.dispose();
    await store.close();
  }
}

/** A figure of a report. */
export const figureOf = ({ sections }: TaskReport, id: string) =>
  sections.flatMap(({ figures }) => figures).find((figure) => figure.id === id);
