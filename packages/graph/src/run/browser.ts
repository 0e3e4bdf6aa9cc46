import type { Runtime, RuntimeOptions } from "./runtime.ts";
import { createWebRuntime } from "./web.ts";

/** The runtime of browsers and other places without Node: WebGPU when asked for, else WASM. */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { device = "auto" } = options;
  return createWebRuntime(
    { ...options, device: device === "webgpu" ? "webgpu" : "wasm" },
    await import("onnxruntime-web"),
  );
}
