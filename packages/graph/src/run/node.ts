/** Picks the runtime in Node: native when onnxruntime-node is installed and loads, else WASM with one line that says so. */
import { createNativeRuntime } from "./native.ts";
import type { Runtime, RuntimeOptions } from "./runtime.ts";
import { createWebRuntime } from "./web.ts";

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
  return createWebRuntime(
    { ...options, device: device === "webgpu" ? "webgpu" : "wasm" },
    await import("onnxruntime-web"),
  );
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
