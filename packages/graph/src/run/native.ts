/**
 * onnxruntime-node. Its `run` blocks the thread that calls it, so sessions live in a worker thread; this file has both
 * sides: `NativeHost` (in the worker, or in the calling thread when a worker cannot be had) and the runtime in front.
 *
 * Weights that lie contiguously in one local folder are mapped from there by ONNX Runtime: no copy passes through
 * JavaScript, and no 2 GB limit applies.
 */
import { Worker } from "node:worker_threads";
import type { InferenceSession } from "onnxruntime-common";
import type { OnnxModel } from "../onnx/model.ts";
import { int8Saturates, usesInt8 } from "./int8-saturation.ts";
import { packForMapping, releaseSpool } from "./mapped-weights.ts";
import { copyInto, KEEP_EQUAL_NODES, type OrtApi, type PackedModel, runSession } from "./ort-session.ts";
import type { NumericArray, Program, Runtime, RuntimeOptions } from "./runtime.ts";

/**
 * Stack of the worker. ONNX Runtime recurses over the process's whole command line when a session is made: the default of
 * 4 MiB overflowed, and the process died, with 15 kB of arguments, some 200 files. Pages are taken as they are touched.
 */
const STACK_MIB = 256;

/** What of onnxruntime-node computes; what WebGPU has no kernel for runs on the processor. */
export type NativeDevice = "cpu" | "webgpu";

interface LoadOptions {
  readonly model: PackedModel;
  readonly device: NativeDevice;
  readonly threads: number | undefined;
  /** Slower int8 products that never saturate (int8-saturation.ts). */
  readonly exactInt8: boolean;
  /** Equal nodes are not merged (OnnxModel.keepsEqualNodes). */
  readonly keepsEqualNodes: boolean;
  /** Memory is not planned ahead for a size of inputs: a training step needs a fifth less of it so, and is no slower. */
  readonly plansMemory: boolean;
}

export class NativeHost {
  readonly #sessions = new Map<number, InferenceSession>();
  #ort: OrtApi | undefined;
  #nextId = 1;

  async load({ model, device, threads, exactInt8, keepsEqualNodes, plansMemory }: LoadOptions): Promise<number> {
    const ort = (this.#ort ??= (await import("onnxruntime-node")) as unknown as OrtApi);
    const options: InferenceSession.SessionOptions = {
      executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
      enableMemPattern: plansMemory,
      externalData: model.externalData,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      extra: {
        session: {
          x64quantprecision: exactInt8 ? "1" : "0",
          ...(model.folder !== undefined && { model_external_initializers_file_folder_path: model.folder }),
        },
        ...(keepsEqualNodes && KEEP_EQUAL_NODES),
      },
    };
    const session = await ort.InferenceSession.create(model.bytes, options);
    const id = this.#nextId++;
    this.#sessions.set(id, session);
    return id;
  }

  run(
    id: number,
    inputs: Readonly<Record<string, NumericArray>>,
    into?: Readonly<Record<string, NumericArray>>,
  ): Promise<Record<string, NumericArray>> {
    return runSession(this.#ort as OrtApi, this.#sessions.get(id) as InferenceSession, inputs, into);
  }

  async release(id: number): Promise<void> {
    await this.#sessions.get(id)?.release();
    this.#sessions.delete(id);
  }
}

export type HostRequest =
  | ({ readonly call: number; readonly kind: "load" } & LoadOptions)
  | {
      readonly call: number;
      readonly kind: "run";
      readonly id: number;
      readonly inputs: Readonly<Record<string, NumericArray>>;
    }
  | { readonly call: number; readonly kind: "release"; readonly id: number };
export type HostReply = {
  readonly call: number;
  readonly result?: unknown;
  readonly error?: string;
};

type Request = HostRequest extends infer R ? (R extends HostRequest ? Omit<R, "call"> : never) : never;

/** Calls a NativeHost that lives in a worker thread. The thread keeps the process alive only while a call is open. */
class HostThread {
  readonly #worker: Worker;
  readonly #open = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #nextCall = 1;
  #ended: Error | undefined;

  constructor(url: URL) {
    this.#worker = new Worker(url, { resourceLimits: { stackSizeMb: STACK_MIB } });
    this.#worker.unref();
    this.#worker.on("message", (reply: HostReply) => {
      const call = this.#open.get(reply.call);
      this.#open.delete(reply.call);
      // while it ends it must keep the process alive, or whoever waits for that would never hear of it
      if (this.#open.size === 0 && !this.#ended) this.#worker.unref();
      if (reply.error !== undefined) call?.reject(new Error(reply.error));
      else call?.resolve(reply.result as never);
    });
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", (code) => this.#end(new Error(`the inference thread ended (exit code ${code})`)));
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** From here on every call fails at once: nobody would answer it. */
  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#open.values()) reject(this.#ended);
    this.#open.clear();
  }

  call<T>(request: Request, transfer: ArrayBuffer[] = []): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    const call = this.#nextCall++;
    return new Promise<T>((resolve, reject) => {
      this.#worker.postMessage({ ...request, call }, transfer); // throws for buffers that cannot be moved
      this.#open.set(call, { resolve, reject });
      this.#worker.ref();
    });
  }

  async terminate(): Promise<void> {
    this.#end(new Error("the runtime was disposed of"));
    await this.#worker.terminate();
  }
}

/** Node 20 cannot load TypeScript in a worker: run from sources (tests), inference happens on the calling thread. */
const workerUrl = import.meta.url.endsWith(".ts") ? undefined : new URL("./native-worker.js", import.meta.url);

export function createNativeRuntime(options: RuntimeOptions, device: NativeDevice = "cpu"): Runtime {
  const thread = options.thread === "calling" ? undefined : workerUrl && new HostThread(workerUrl);
  const host = thread ? undefined : new NativeHost();
  const load = async (model: OnnxModel, exactInt8: boolean): Promise<Program> => {
    const packed = await packForMapping(model);
    const { keepsEqualNodes = false, feedsWeights = false } = model;
    const plansMemory = !feedsWeights;
    const threads = model.threads ?? options.threads;
    return open({ model: packed, device, threads, exactInt8, keepsEqualNodes, plansMemory }).finally(() =>
      releaseSpool(packed),
    );
  };
  const open = async (request: LoadOptions): Promise<Program> => {
    const id = await (thread ? thread.call<number>({ kind: "load", ...request }) : (host as NativeHost).load(request));
    return createProgram(
      async (inputs, transfer, into) => {
        if (!thread) return (host as NativeHost).run(id, inputs, into);
        const results = await thread.call<Record<string, NumericArray>>({ kind: "run", id, inputs }, transfer);
        return into ? copyInto(results, into) : results;
      },
      async () => {
        if (!thread) await (host as NativeHost).release(id);
        else if (!thread.ended) await thread.call({ kind: "release", id });
      },
    );
  };
  let saturates: Promise<boolean> | undefined;
  return {
    name: `native ${device}`,
    async load(model) {
      if (usesInt8(model)) saturates ??= int8Saturates((small) => load(small, false));
      return load(model, (await saturates) ?? false);
    },
    loadFile: (bytes) =>
      open({
        model: { bytes, externalData: [] },
        device,
        threads: options.threads,
        exactInt8: false,
        keepsEqualNodes: false,
        plansMemory: true,
      }),
    async dispose() {
      await thread?.terminate();
    },
  };
}

function createProgram(
  run: (
    inputs: Readonly<Record<string, NumericArray>>,
    transfer: ArrayBuffer[],
    into: Readonly<Record<string, NumericArray>> | undefined,
  ) => Promise<Record<string, NumericArray>>,
  release: () => Promise<unknown>,
): Program {
  return {
    async run(inputs, { transfer = false, into } = {}) {
      for (const [name, { data, shape }] of Object.entries(inputs)) {
        // a moved array is empty, and the thread would never see the message that holds it
        if (data.length !== shape.reduce((p, d) => p * d, 1))
          throw new Error(`input ${name} has ${data.length} values for shape [${shape.join(", ")}]`);
      }
      const moved = transfer ? [...new Set(Object.values(inputs).map((i) => i.data.buffer as ArrayBuffer))] : [];
      return run(inputs, moved, into);
    },
    async dispose() {
      await release();
    },
  };
}
