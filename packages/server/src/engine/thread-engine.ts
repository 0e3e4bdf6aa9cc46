/** An engine in a thread of its own: the server answers while it computes, and it can be ended whatever it does. */
import { Worker } from "node:worker_threads";
import type { CodesChunk } from "universal-audio-tokenizer";
import { RequestError } from "../errors.ts";
import type {
  Control,
  DecodeJob,
  DecodeResult,
  Engine,
  EngineOptions,
  FileOptions,
  FilePiece,
  LiveAudioOptions,
  LiveTokensOptions,
  ModelInfo,
  TokensJob,
  TokensResult,
} from "./engine.ts";
import { type EngineReply, type EngineRequest, Mailbox, thrownError } from "./rpc.ts";

/** Node 20 loads no TypeScript in a worker: run from sources, as in tests, engines live on the calling thread. */
export const workerUrl = import.meta.url.endsWith(".ts") ? undefined : new URL("./server-worker.js", import.meta.url);

type CallReply = Extract<EngineReply, { readonly call: number }>;

/** Loads the models in a new thread. @throws what loading throws there. */
export function startThreadEngine(
  url: URL,
  options: EngineOptions,
  onWarning: (message: string) => void,
): Promise<Engine> {
  const worker = new Worker(url, { workerData: { options } });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the engine's thread ended while it was loading")));
    worker.on("message", (reply: EngineReply) => {
      if (reply.kind === "warning") onWarning(reply.message);
      else if (reply.kind === "failed") {
        reject(thrownError(reply.error));
        void worker.terminate();
      } else if (reply.kind === "ready") resolve(new ThreadEngine(worker, reply.info));
    });
  });
}

class ThreadEngine implements Engine {
  readonly info: ModelInfo;
  readonly lost: Promise<unknown>;
  readonly #worker: Worker;
  readonly #calls = new Map<number, (reply: CallReply) => void>();
  #nextCall = 1;
  #ended = false;

  constructor(worker: Worker, info: ModelInfo) {
    this.#worker = worker;
    this.info = info;
    worker.on("message", (reply: EngineReply) => {
      if ("call" in reply) this.#calls.get(reply.call)?.(reply);
    });
    this.lost = new Promise((resolve) => {
      worker.on("error", (error) => {
        this.#end();
        resolve(error);
      });
      worker.on("exit", (code) => {
        this.#end();
        resolve(new Error(`its thread ended (exit code ${code})`));
      });
    });
  }

  tokens(job: TokensJob, control: Control): Promise<TokensResult> {
    return this.#job({ kind: "tokens", call: this.#nextCall++, job, deadline: control.deadline }, control);
  }

  decode(job: DecodeJob, control: Control): Promise<DecodeResult> {
    return this.#job({ kind: "decode", call: this.#nextCall++, job, deadline: control.deadline }, control);
  }

  liveTokens(
    samples: AsyncIterable<Float32Array>,
    options: LiveTokensOptions,
    signal: AbortSignal,
  ): AsyncGenerator<CodesChunk> {
    return this.#stream({ kind: "liveTokens", call: this.#nextCall++, options }, samples, signal);
  }

  liveAudio(
    codes: AsyncIterable<Int32Array>,
    options: LiveAudioOptions,
    signal: AbortSignal,
  ): AsyncGenerator<Float32Array> {
    return this.#stream({ kind: "liveAudio", call: this.#nextCall++, options }, codes, signal);
  }

  liveFile(
    codes: AsyncIterable<Int32Array>,
    options: LiveAudioOptions & FileOptions,
    signal: AbortSignal,
  ): AsyncGenerator<FilePiece> {
    return this.#stream({ kind: "liveFile", call: this.#nextCall++, options }, codes, signal);
  }

  async close(): Promise<void> {
    this.#end();
    await this.#worker.terminate();
  }

  /** From here on nobody would answer. */
  #end(): void {
    this.#ended = true;
    const error = { message: "the engine ended during the work; try again", stack: undefined, isInputError: false };
    const request = { code: "not_ready", retryAfter: 2 } as const;
    for (const [call, listen] of [...this.#calls]) listen({ kind: "error", call, error: { ...error, request } });
    this.#calls.clear();
  }

  #send(request: EngineRequest, transfer: ArrayBuffer[] = []): void {
    if (this.#ended) throw new RequestError("not_ready", "the engine has ended; try again", { retryAfter: 2 });
    this.#worker.postMessage(request, transfer);
  }

  #job<T>(request: Extract<EngineRequest, { readonly deadline: number }>, { signal }: Control): Promise<T> {
    const { call } = request;
    return new Promise<T>((resolve, reject) => {
      signal?.throwIfAborted();
      // the place in the queue is given back when the work has really stopped, so an abort waits for the reply
      const abort = () => this.#ended || this.#send({ kind: "abort", call });
      const settle = (reply: CallReply) => {
        signal?.removeEventListener("abort", abort);
        this.#calls.delete(call);
        if (reply.kind === "error") reject(signal?.aborted ? signal.reason : thrownError(reply.error));
        else resolve((reply as Extract<CallReply, { kind: "value" }>).value as T);
      };
      this.#send(request);
      this.#calls.set(call, settle);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  async *#stream<T>(
    request: Extract<EngineRequest, { readonly kind: "liveTokens" | "liveAudio" | "liveFile" }>,
    source: AsyncIterable<Float32Array | Int32Array>,
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    const { call } = request;
    const blocks = source[Symbol.asyncIterator]();
    const results = new Mailbox<Extract<CallReply, { kind: "value" | "error" }>>();
    const fail = (error: unknown) => {
      const { message, stack } = error as Error;
      const plain =
        error instanceof RequestError ? { request: { code: error.code, retryAfter: error.retryAfter } } : undefined;
      results.put({ kind: "error", call, error: { message, stack, isInputError: false, ...plain } });
    };
    const abort = () => fail(signal.reason);
    this.#calls.set(call, (reply) => {
      if (reply.kind !== "pull") return results.put(reply);
      blocks.next().then(({ value, done }) => {
        if (!this.#ended) this.#send({ kind: "push", call, value: done ? undefined : value });
      }, fail);
    });
    let ended = false;
    try {
      signal.throwIfAborted();
      signal.addEventListener("abort", abort, { once: true });
      this.#send(request);
      for (;;) {
        const reply = await results.take();
        if (reply.kind === "error") throw thrownError(reply.error);
        if (reply.value === undefined) {
          ended = true;
          return;
        }
        yield reply.value as T;
        this.#send({ kind: "next", call });
      }
    } finally {
      signal.removeEventListener("abort", abort);
      this.#calls.delete(call);
      if (!ended && !this.#ended) this.#send({ kind: "abort", call });
      void blocks.return?.().catch(() => undefined);
    }
  }
}
