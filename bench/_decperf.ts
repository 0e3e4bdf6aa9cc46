import { createRuntime } from "@uat/graph";
import { directoryFiles } from "/work/main/packages/codec/src/checkpoint/node/file-source.ts";
import { loadFlowDecoder } from "/work/main/packages/codec/src/decoders/flow-decoder.ts";
const n = Number(process.argv[2] ?? 250);
const rt = await createRuntime({ device: "cpu", threads: 2 });
let a = performance.now();
const d = await loadFlowDecoder(directoryFiles("/tmp/dec/pub"), "decoder", rt);
console.log("load", Math.round(performance.now() - a), "rssMB", Math.round(process.memoryUsage().rss / 1e6));
const tokens = Int32Array.from({ length: n }, (_, i) => (i * 7919) % 8192);
for (let r = 0; r < Number(process.argv[3] ?? 1); r++) {
  a = performance.now();
  let flowEnd = 0, last = a; const steps: number[] = [];
  await d.synthesize(tokens, { onProgress: (s) => { const t = performance.now(); if (s <= 0.8) { steps.push(Math.round(t - last)); flowEnd = t; } last = t; } });
  const t = performance.now();
  console.log("steps", steps.join(" "), "flow", Math.round(flowEnd - a), "vocoder", Math.round(t - flowEnd), "total", Math.round(t - a), "peakMB", Math.round(process.resourceUsage().maxRSS / 1024));
}
