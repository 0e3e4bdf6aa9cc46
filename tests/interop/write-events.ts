/**
 * A small run with a crash and a resume, for TensorBoard to read:
 * `npx tsx tests/interop/write-events.ts DIR && python tests/interop/read-events.py DIR`.
 */
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { RunLog } from "../../packages/training/src/report/run-log.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("give the folder to write");
const runInfo = { title: "events", seed: 1, config: "task: sap", sources: [], versions: {} };
const tone = (amplitude: number) => Float32Array.from({ length: 8000 }, (_, i) => amplitude * Math.sin(i / 9));
const mel = { mels: 80, frames: 120, data: Float32Array.from({ length: 9600 }, (_, i) => Math.sin(i / 17)) };

const run = (log: RunLog, from: number, to: number, sign: number) => {
  for (let step = from; step <= to; step++) {
    log.step({ step, loss: (sign * 10) / step, lr_encoder: 1e-5 * step });
    if (step % 10 !== 0) continue;
    log.evaluation({ step, split: "validation", loss: (sign * 20) / step });
    log.sample({
      step,
      kind: "audio",
      name: "tone",
      sampleRate: 16000,
      target: tone(0.5),
      prediction: tone(step / 100),
    });
    log.sample({ step, kind: "spectrogram", name: "tone", target: mel, prediction: mel });
    log.sample({ step, kind: "text", name: "words", target: "a *b*", prediction: `step ${step}` });
  }
};

// killed at step 40 in the middle of a record; the checkpoint is of step 20
const first = await RunLog.open(folder, { runInfo });
run(first, 1, 40, -1);
await first.flush();
const events = readdirSync(folder).find((name) => name.startsWith("events.out.tfevents."));
appendFileSync(join(folder, events as string), Buffer.from([24, 0, 0, 0, 0, 0]));
const second = await RunLog.open(folder, { runInfo, resumeStep: 20 });
run(second, 21, 50, 1);
await second.close();
