/** The thread of one engine: loads the models and answers thread-engine.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { ModelEngine } from "./model-engine.ts";
import { type EngineReply, type EngineRequest, type EngineThreadData, Mailbox, plainError } from "./rpc.ts";

const post = (reply: EngineReply, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(reply, transfer);

/** Streams and jobs under way. */
interface Open {
  readonly stop: AbortController;
  readonly blocks: Mailbox<Extract<EngineRequest, { kind: "push" }>>;
  readonly turns: Mailbox<"next">;
}

async function serve(engine: ModelEngine): Promise<void> {
  const open = new Map<number, Open>();

  async function* incoming<T>(call: number, { blocks, stop }: Open): AsyncGenerator<T> {
    for (;;) {
      post({ kind: "pull", call });
      const { value } = await blocks.take();
      stop.signal.throwIfAborted();
      if (value === undefined) return;
      yield value as T;
    }
  }

  async function answer(request: Exclude<EngineRequest, { kind: "push" | "next" | "abort" }>): Promise<void> {
    const { call } = request;
    const own: Open = { stop: new AbortController(), blocks: new Mailbox(), turns: new Mailbox() };
    const { signal } = own.stop;
    open.set(call, own);
    try {
      if (request.kind === "tokens") {
        post({ kind: "value", call, value: await engine.tokens(request.job, { deadline: request.deadline, signal }) });
      } else if (request.kind === "decode") {
        const value = await engine.decode(request.job, { deadline: request.deadline, signal });
        post({ kind: "value", call, value }, [value.file.buffer as ArrayBuffer]);
      } else {
        const results =
          request.kind === "liveTokens"
            ? engine.liveTokens(incoming(call, own), request.options, signal)
            : request.kind === "liveAudio"
              ? engine.liveAudio(incoming(call, own), request.options, signal)
              : engine.liveFile(incoming(call, own), request.options, signal);
        for await (const value of results) {
          post({ kind: "value", call, value });
          await own.turns.take();
          signal.throwIfAborted();
        }
        post({ kind: "value", call });
      }
    } catch (error) {
      post({ kind: "error", call, error: plainError(error) });
    } finally {
      open.delete(call);
    }
  }

  parentPort?.on("message", (request: EngineRequest) => {
    const known = open.get(request.call);
    if (request.kind === "push") known?.blocks.put(request);
    else if (request.kind === "next") known?.turns.put("next");
    else if (request.kind === "abort") {
      known?.stop.abort();
      // whoever waits for the other side wakes and sees that it has gone
      known?.blocks.put({ kind: "push", call: request.call });
      known?.turns.put("next");
    } else void answer(request);
  });
}

try {
  const { options } = workerData as EngineThreadData;
  const engine = await ModelEngine.load(options, (message) => post({ kind: "warning", message }));
  await serve(engine);
  post({ kind: "ready", info: engine.info });
} catch (error) {
  post({ kind: "failed", error: plainError(error) });
}
