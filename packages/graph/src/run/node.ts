/**
 * Picks the runtime in Node: native when onnxruntime-node is installed and loads, else WASM with one line that says so.
 * WebGPU only when asked for, by onnxruntime-node (Vulkan, Metal or Direct3D 12), after it has passed a test.
 */
import { createNativeRuntime } from "./native.ts";
import type { Runtime, RuntimeOptions } from "./runtime.ts";
import { differenceOf } from "./self-test.ts";
import { createWebRuntime, noWebGpu } from "./web.ts";

let warned = false;

export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { device = "auto" } = options;
  if (device === "auto" || device === "cpu") {
    const problem = await nativeProblem();
    if (problem === undefined) return createNativeRuntime(options);
    if (!warned)
      options.onWarning?.(`onnxruntime-node is not available (${problem}): running on WebAssembly, which is slower`);
    warned = true;
  }
  if (device === "webgpu" && (await nativeProblem()) === undefined) return createGpuRuntime(options);
  return createWebRuntime(
    { ...options, device: device === "webgpu" ? "webgpu" : "wasm" },
    await import("onnxruntime-web"),
  );
}

async function createGpuRuntime(options: RuntimeOptions): Promise<Runtime> {
  const runtime = createNativeRuntime(options, "webgpu");
  const processor = createNativeRuntime({ threads: 1, thread: "calling" });
  let problem: string | undefined;
  try {
    const difference = await differenceOf(runtime, processor);
    if (difference !== undefined) problem = `the WebGPU adapter computes wrongly: ${difference}`;
  } catch (error) {
    // without the place in the library's sources
    problem = (error as Error).message
      .split("\n")[0]!
      .replace(/^.* was false\. /, "")
      .slice(0, 200);
  } finally {
    await processor.dispose();
  }
  if (problem === undefined) return runtime;
  await runtime.dispose();
  throw noWebGpu(problem);
}

/** Undefined when the native library can be loaded. UAT_NO_NATIVE=1 leaves it out, to try what others will see. */
async function nativeProblem(): Promise<string | undefined> {
  if (process.env.UAT_NO_NATIVE) return "UAT_NO_NATIVE is set";
  try {
    await import("onnxruntime-node");
    return undefined;
  } catch (error) {
    return (error as Error).message.split("\n")[0]?.slice(0, 120);
  }
}
