/** onnxruntime-web: WASM (threads where SharedArrayBuffer is allowed) or WebGPU, in browsers and, as a fallback, in Node. */
import { copyInto, KEEP_EQUAL_NODES, type OrtApi, type PackedModel, packInMemory, runSession } from "./ort-session.ts";
import type { Program, Runtime, RuntimeOptions } from "./runtime.ts";

/** @param reason what the runtime says. */
export const noWebGpu = (reason?: string): Error =>
  Object.assign(
    new Error(
      `device webgpu: this environment has no WebGPU adapter${reason ? ` that works (${reason})` : ""}; use --device cpu`,
    ),
    { isInputError: true },
  );

/**
 * Sessions are made one after the other: onnxruntime-web refuses two WebGPU sessions in the making, and keeps the weights
 * of all sessions in the making in one table by name, which the first to be ready empties for the others.
 */
let making: Promise<unknown> = Promise.resolve();

function oneByOne<T>(make: () => Promise<T>): Promise<T> {
  const made = making.then(make);
  making = made.catch(() => undefined);
  return made;
}

export async function createWebRuntime(
  options: RuntimeOptions,
  ort: typeof import("onnxruntime-web"),
): Promise<Runtime> {
  const gpu = options.device === "webgpu" || (options.device === "auto" && (await hasWebGpu()));
  if (options.device === "webgpu" && !(await hasWebGpu())) throw noWebGpu();
  if (options.threads !== undefined) ort.env.wasm.numThreads = options.threads;
  ort.env.logLevel = "error";
  const api = ort as unknown as OrtApi;
  return {
    name: gpu ? "webgpu" : "wasm",
    load: async (model) => open(await packInMemory(model), model.keepsEqualNodes),
    loadFile: (bytes) => open({ bytes, externalData: [] }),
    async dispose() {},
  };

  async function open({ bytes, externalData }: PackedModel, keepsEqualNodes = false): Promise<Program> {
    const create = () =>
      api.InferenceSession.create(bytes, {
        executionProviders: gpu ? ["webgpu", "wasm"] : ["wasm"],
        graphOptimizationLevel: "all",
        externalData,
        // the level above is for what comes before a session
        logSeverityLevel: 3,
        ...(keepsEqualNodes && { extra: KEEP_EQUAL_NODES }),
      });
    const session = await oneByOne(create);
    // onnxruntime-web refuses overlapping runs
    let queue: Promise<unknown> = Promise.resolve();
    return {
      run(inputs, { into } = {}) {
        const result = queue
          .then(() => runSession(api, session, inputs))
          .then((results) => (into ? copyInto(results, into) : results));
        queue = result.catch(() => undefined);
        return result;
      },
      async dispose() {
        await queue;
        await session.release();
      },
    };
  }
}

async function hasWebGpu(): Promise<boolean> {
  const gpu = (globalThis.navigator as { gpu?: { requestAdapter(): Promise<unknown> } } | undefined)?.gpu;
  try {
    return gpu !== undefined && (await gpu.requestAdapter()) !== null;
  } catch {
    return false;
  }
}
