import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeAudio } from "@uat/audio";
import { expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { Random } from "../random.ts";
import { keptEntries, type SampleEntry, SampleStore } from "./samples.ts";

const folder = () => join(mkdtempSync(join(tmpdir(), "samples-")), "samples");
const random = new Random(1);
const mel = (mels: number, frames: number) => ({
  mels,
  frames,
  data: Float32Array.from({ length: mels * frames }, () => random.normal()),
});
const media = (path: string) => readdirSync(path).filter((name) => name !== "index.json");

test("the first and the latest steps of each sample stay, and no file without an entry", async () => {
  const store = SampleStore.open(folder());
  const target = mel(8, 30);
  for (let step = 100; step <= 1000; step += 100) {
    store.add({ step, kind: "spectrogram", name: "a/b", target, prediction: mel(8, 30) });
    store.add({ step, kind: "text", name: "t", prediction: `at ${step}` });
    await store.save();
  }
  const steps = (kind: string) => store.entries.filter((e) => e.kind === kind).map((e) => e.step);
  expect(steps("spectrogram")).toEqual([100, 900, 1000]);
  expect(steps("text")).toEqual([100, 900, 1000]);
  expect(media(store.folder).length).toBe(4);
});

test("samples of one kind are limited in all", () => {
  const entries = Array.from(
    { length: 300 },
    (_, step): SampleEntry => ({ step, kind: "text", name: `${step}`, prediction: "" }),
  );
  const kept = keptEntries(entries);
  expect(kept.length).toBe(96);
  expect(kept.at(-1)?.step).toBe(299);
});

test("a resumed run forgets later samples, and what a killed one left", async () => {
  const path = folder();
  const store = SampleStore.open(path);
  const audio = (step: number) => ({
    step,
    kind: "audio" as const,
    name: "clip",
    sampleRate: 8000,
    prediction: Float32Array.of(step / 100, 0, -step / 100),
  });
  for (const step of [10, 20, 30]) store.add(audio(step));
  await store.save();
  store.add(audio(40)); // killed before it was saved
  const again = SampleStore.open(path, 20);
  expect(again.entries.map((e) => e.step)).toEqual([10, 20]);
  await again.save();
  expect(media(path).length).toBe(2);
  const { sampleRate, channels } = await decodeAudio(again.read(again.entries[1]!.prediction)!);
  expect(sampleRate).toBe(8000);
  expect(channels[0]?.[0]).toBeCloseTo(0.2, 4);
});

test("a target is written and told to TensorBoard once", () => {
  const store = SampleStore.open(folder());
  const target = mel(4, 10);
  const tags = (step: number) =>
    store.add({ step, kind: "spectrogram", name: "x", target, prediction: mel(4, 10) }).map((v) => v.tag);
  expect(tags(1)).toEqual(["spectrogram/x/target", "spectrogram/x/prediction"]);
  expect(tags(2)).toEqual(["spectrogram/x/prediction"]);
});

test("long sounds are cut, and names cannot leave the folder", async () => {
  const store = SampleStore.open(folder());
  const name = "../../etc/a b\u0000<é>";
  const values = store.add({ step: 1, kind: "audio", name, sampleRate: 1000, prediction: new Float32Array(50_000) });
  expect(values).toMatchObject([{ kind: "audio", frames: 20_000, sampleRate: 1000 }]);
  expect(media(store.folder)).toEqual([store.entries[0]?.prediction]);
  expect(store.read("../index.json")).toBeUndefined();
  expect(existsSync(join(store.folder, "../../etc"))).toBe(false);
});

test("spectrograms of any size and with any values become pictures", () => {
  const store = SampleStore.open(folder());
  const odd = mel(3, 5000);
  odd.data.set([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  const all = [odd, mel(1, 1), mel(80, 0), { mels: 2, frames: 2, data: new Float32Array(4) }];
  for (const [step, prediction] of all.entries()) {
    const [value] = store.add({ step, kind: "spectrogram", name: "odd", prediction });
    if (value?.kind !== "image") throw new Error("expected a picture");
    const header = Buffer.from(value.png);
    expect([header.readUInt32BE(16), header.readUInt32BE(20)]).toEqual([value.width, value.height]);
    expect(value.width).toBeGreaterThanOrEqual(400);
    expect(value.width).toBeLessThanOrEqual(800);
  }
});

test("a damaged index is named", async () => {
  const path = folder();
  const store = SampleStore.open(path);
  store.add({ step: 1, kind: "text", name: "a", prediction: "b" });
  await store.save();
  for (const text of ["", "{}", '[{"step":1}]', readFileSync(join(path, "index.json"), "utf8").slice(0, -4)]) {
    writeFileSync(join(path, "index.json"), text);
    expect(() => SampleStore.open(path, 5)).toThrow(TrainingError);
    expect(() => SampleStore.open(path, 5)).toThrow(/index\.json: is no list of samples/);
  }
});
