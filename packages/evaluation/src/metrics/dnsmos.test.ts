import { createRuntime } from "@uat/graph";
import { directoryFiles, memoryFiles } from "universal-audio-tokenizer/internal";
import { afterAll, describe, expect, test } from "vitest";
import { EvaluationError } from "../errors.ts";
import { fixturePath } from "../fixtures.ts";
import { DNSMOS_FILES, Dnsmos, type DnsmosScores } from "./dnsmos.ts";
import { distorted, goldens, METRICS_FOLDER, RATE, readClip, type Scores } from "./fixtures.ts";

const runtime = await createRuntime({ device: "cpu", threads: 1 });
afterAll(() => runtime.dispose());

const worst = (got: DnsmosScores, want: Scores["dnsmos"]) =>
  Math.max(
    Math.abs(got.signal - want.sig),
    Math.abs(got.background - want.bak),
    Math.abs(got.overall - want.ovrl),
    Math.abs(got.p808 - want.p808),
  );

describe("with small networks", async () => {
  const dnsmos = await Dnsmos.load(directoryFiles(fixturePath("audio-metrics")), runtime);
  afterAll(() => dnsmos.dispose());

  test.each(["kerstin-0129", "speech16k", "long"])(
    "windows, features and scores as speechmos has them: %s",
    async (name) => {
      const scores = await dnsmos.score(await readClip(name), RATE);
      expect(worst(scores, goldens.clips[name]!.small.dnsmos)).toBeLessThan(2e-5);
    },
  );

  test("other rates are resampled", async () => {
    const samples = await readClip("speech16k");
    const twice = Float32Array.from({ length: 2 * samples.length }, (_, i) => samples[i >> 1]!);
    const [a, b] = [await dnsmos.score(samples, RATE), await dnsmos.score(twice, 2 * RATE)];
    expect(Math.abs(a.overall - b.overall)).toBeLessThan(0.05);
  });

  test("a clip without samples", async () => {
    await expect(dnsmos.score(new Float32Array(0), RATE)).rejects.toThrow(EvaluationError);
  });
});

test("a file that is no network", async () => {
  const files = memoryFiles({ [DNSMOS_FILES.p835]: "half a file", [DNSMOS_FILES.p808]: "" }, "metrics");
  await expect(Dnsmos.load(files, runtime)).rejects.toThrow(/sig_bak_ovr\.onnx: cannot be run as an ONNX file/);
});

describe.skipIf(!METRICS_FOLDER)("with the package's networks", async () => {
  const dnsmos = METRICS_FOLDER ? await Dnsmos.load(directoryFiles(METRICS_FOLDER), runtime) : undefined;

  test.each(["kerstin-0129", "speech16k"])("scores of %s and its copies", async (name) => {
    const clip = goldens.clips[name]!;
    const samples = await readClip(name);
    expect(worst(await dnsmos!.score(samples, RATE), clip.original.dnsmos)).toBeLessThan(2e-5);
    for (const [copy, want] of Object.entries(clip.scores))
      expect(worst(await dnsmos!.score(distorted(name, copy, samples), RATE), want.dnsmos)).toBeLessThan(2e-5);
  });
});
