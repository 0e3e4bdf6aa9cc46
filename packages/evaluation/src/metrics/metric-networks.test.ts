import { createRuntime } from "@uat/graph";
import { directoryFiles, memoryFiles } from "universal-audio-tokenizer/internal";
import { afterAll, expect, test } from "vitest";
import { fixturePath } from "../fixtures.ts";
import { loadMetricNetworks } from "./metric-networks.ts";

const runtime = await createRuntime({ device: "cpu", threads: 1 });
afterAll(() => runtime.dispose());

test("without a folder, each metric says how to get its weights", async () => {
  const { missing, ...networks } = await loadMetricNetworks(undefined, runtime);
  expect(networks).toMatchObject({ dnsmos: undefined, distillMos: undefined, speakerEncoder: undefined });
  expect(missing).toHaveLength(3);
  for (const [i, requirement] of ["speechmos", "distillmos", "resemblyzer"].entries())
    expect(missing[i]).toMatch(new RegExp(`--metrics DIR.*pip install --no-deps --target DIR ${requirement}==`));
});

test("what is there is loaded and told by its hash; what is not is named", async () => {
  const folder = fixturePath("audio-metrics");
  const networks = await loadMetricNetworks(directoryFiles(folder), runtime);
  expect(networks.dnsmos?.name).toMatch(/^DNSMOS \(speechmos==0\.0\.1\.1\), sha256 [0-9a-f]{12}$/);
  expect(networks.missing.map((line) => line.split(":")[0])).toEqual([
    "Distill-MOS left out",
    "speaker similarity left out",
  ]);
  expect(networks.missing[0]).toContain("has no distillmos/weights/distill_mos_v7.pt");
  await networks.dispose();
});

test("a damaged file is an error and not left out", async () => {
  const files = memoryFiles({ "resemblyzer/pretrained.pt": "half" }, "metrics");
  await expect(loadMetricNetworks(files, runtime)).rejects.toThrow(/pretrained\.pt/);
});
