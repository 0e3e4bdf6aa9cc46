import type { Runtime, RuntimeOptions } from "./runtime.ts";
import { differenceOf } from "./self-test.ts";
import { createWebRuntime, noWebGpu } from "./web.ts";

/** What is wrong with this page's WebGPU, if anything: asked once. */
let difference: Promise<string | undefined> | undefined;

/**
 * The runtime of browsers and other places without Node: WebGPU when asked for, after it has passed a test, else WASM.
 * Each has a build of its own, so that a page without WebGPU fetches 14 MB of WebAssembly instead of 27.
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  if (options.device !== "webgpu")
    return createWebRuntime({ ...options, device: "wasm" }, await import("onnxruntime-web/wasm"));
  const ort = await import("onnxruntime-web/webgpu");
  const runtime = await createWebRuntime(options, ort);
  difference ??= createWebRuntime({ ...options, device: "wasm" }, ort)
    .then((processor) => differenceOf(runtime, processor))
    .catch((error: Error) => error.message.slice(0, 200));
  const problem = await difference;
  if (problem === undefined) return runtime;
  throw noWebGpu(`it computes wrongly: ${problem}`);
}
