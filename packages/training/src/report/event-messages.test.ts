import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startEvent, summaryEvent, versionEvent } from "./event-messages.ts";
import { frameRecord } from "./event-records.ts";

/** Made by TensorBoard (tests/interop/make-event-goldens.py). */
const goldens = JSON.parse(
  readFileSync(new URL("../../../../tests/fixtures/events/records.json", import.meta.url), "utf8"),
) as { wallTime: number; records: Record<string, string> };
const { wallTime } = goldens;

test.each<[string, Uint8Array]>([
  ["version", versionEvent(wallTime)],
  ["start", startEvent({ wallTime, step: 1201 })],
  [
    "scalars",
    summaryEvent({ wallTime, step: 300 }, [
      { kind: "scalar", tag: "loss", value: 2.5 },
      { kind: "scalar", tag: "lr/encoder", value: 1e-5 },
      { kind: "scalar", tag: "usage", value: 0 },
      { kind: "scalar", tag: "grad_norm", value: Number.NaN },
    ]),
  ],
  [
    "image",
    summaryEvent({ wallTime, step: 7 }, [
      {
        kind: "image",
        tag: "spectrogram/a/target",
        png: Uint8Array.from({ length: 200 }, (_, i) => i),
        width: 400,
        height: 160,
      },
    ]),
  ],
  [
    "audio",
    summaryEvent({ wallTime, step: 2 ** 33 }, [
      { kind: "audio", tag: "audio/a/prediction", wav: Buffer.from("RIFF"), sampleRate: 22050, frames: 70000 },
    ]),
  ],
  ["text", summaryEvent({ wallTime, step: 1 }, [{ kind: "text", tag: "text/a", text: "schön — 天" }])],
])("%s is byte for byte what TensorBoard writes", (name, message) => {
  expect(Buffer.from(frameRecord(message)).toString("base64")).toBe(goldens.records[name]);
});
