/** One interface over the builds of ONNX Runtime. */
import type { Graph } from "../graph.ts";
import { type EmitOptions, emitModel } from "../onnx/emitter.ts";
import type { OnnxModel } from "../onnx/model.ts";

export type TensorData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** A concrete array: `data` is row-major. */
export interface NumericArray {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

export interface RunOptions {
  /** Input buffers may be moved away from the caller instead of copied. */
  readonly transfer?: boolean | undefined;
  /**
   * Outputs that are written into the caller's arrays, of the output's shape. On the calling thread the runtime writes
   * there directly, which may even be an input's buffer where every element depends only on its own place.
   */
  readonly into?: Readonly<Record<string, NumericArray>> | undefined;
}

export interface Program {
  /** Runs once. Input buffers are only read. */
  run(inputs: Readonly<Record<string, NumericArray>>, options?: RunOptions): Promise<Record<string, NumericArray>>;
  dispose(): Promise<void>;
}

export type Device = "auto" | "cpu" | "wasm" | "webgpu";

export interface RuntimeOptions {
  readonly device?: Device | undefined;
  /** Threads of one operator; by default as many as the machine has cores. */
  readonly threads?: number | undefined;
  /**
   * Where native sessions run: in a worker (the default), which leaves the caller's event loop free, or in the calling
   * thread, where inputs and outputs are not copied: a training loop has nothing else to do meanwhile.
   */
  readonly thread?: "worker" | "calling" | undefined;
  /** Told once, in one line, when something slower than asked for is used. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

export interface Runtime {
  /** What runs the graphs, e.g. `native cpu`. */
  readonly name: string;
  load(model: OnnxModel): Promise<Program>;
  /** Makes a whole .onnx file runnable that was made elsewhere, its weights inside it. */
  loadFile(bytes: Uint8Array): Promise<Program>;
  /** Ends worker threads; programs must not be used afterwards. */
  dispose(): Promise<void>;
}

/** Emits a graph and makes it runnable. */
export const compile = (runtime: Runtime, graph: Graph, options: EmitOptions = {}): Promise<Program> =>
  runtime.load(emitModel(graph, options));
