/**
 * One WebSocket: a first message that says what is wanted, then data in and results out, then `end` and `done`.
 * Whatever goes wrong is told in a message `{"type":"error","error":{…}}` before the socket closes.
 */
import type { RawData, WebSocket } from "ws";
import type { z } from "zod";
import { validate } from "../api/validate.ts";
import type { Engine, ModelInfo } from "../engine/engine.ts";
import type { Streams } from "../engine/streams.ts";
import { RequestError, requestError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { checkModel } from "../routes/context.ts";
import { SocketInput } from "./socket-input.ts";

/** Bytes that may wait to leave before results are held back. */
const MAX_OUTGOING = 1 << 20;

/** Close codes (RFC 6455, 7.4.1) of errors. */
function closeCode({ code }: RequestError): number {
  if (code === "internal") return 1011;
  if (code === "overloaded" || code === "not_ready") return 1013;
  if (code === "too_large") return 1009;
  return 1008;
}

export interface SessionContext {
  readonly socket: WebSocket;
  readonly limits: Limits;
  readonly metrics: ServerMetrics;
  readonly model: ModelInfo;
  readonly streams: Streams;
  /** Aborts when the server cannot wait any longer. */
  readonly stopping: AbortSignal;
  note(details: Readonly<Record<string, unknown>>): void;
}

/** A kind of WebSocket. */
export interface SessionKind<Start extends z.ZodType, Item> {
  /** The first message. */
  readonly start: Start;
  /** A later message as an item, `undefined` for the end. @throws RequestError */
  read(data: RawData, binary: boolean, start: z.output<Start>, context: SessionContext): Item | undefined;
  /** Answers the first message, then the rest. */
  run(
    items: AsyncIterable<Item>,
    start: z.output<Start>,
    engine: Engine,
    context: SessionContext & { send(message: object | Uint8Array): Promise<void>; readonly signal: AbortSignal },
  ): Promise<Readonly<Record<string, unknown>>>;
}

/** A JSON message. @throws RequestError for what is none. */
export function parseMessage(data: RawData, binary: boolean): unknown {
  if (binary) throw new RequestError("malformed", "a binary message; expected JSON in a text message first");
  try {
    return JSON.parse(String(data));
  } catch (error) {
    throw new RequestError("malformed", "the message is not JSON", { cause: error });
  }
}

/** Runs a session until its socket is closed. Never throws. */
export async function runSession<Start extends z.ZodType, Item>(
  kind: SessionKind<Start, Item>,
  context: SessionContext,
): Promise<void> {
  const { socket, limits, stopping } = context;
  const stop = new AbortController();
  const { signal } = stop;
  // not AbortSignal.any: what outlives its parts is kept by them (nodejs/node#54614)
  const lastCall = () => stop.abort(stopping.reason);
  let settle: (start: z.output<Start>) => void = () => undefined;
  let refuse: (error: unknown) => void = () => undefined;
  const first = new Promise<z.output<Start>>((resolve, reject) => {
    settle = resolve;
    refuse = reject;
  });
  first.catch(() => undefined);
  let start: z.output<Start> | undefined;
  const input = new SocketInput<Item | "start">(socket, (data, binary) => {
    idle.refresh();
    if (start !== undefined) return kind.read(data, binary, start, context);
    try {
      start = validate(kind.start, parseMessage(data, binary));
      settle(start);
    } catch (error) {
      refuse(error);
      throw error;
    }
    return "start";
  });
  const fail = (error: RequestError) => {
    refuse(error);
    input.fail(error);
    stop.abort(error);
  };
  const idle = setTimeout(
    () => fail(new RequestError("timeout", `nothing came for ${limits.idleTimeout} s`)),
    limits.idleTimeout * 1000,
  );
  socket.on("close", () => fail(new RequestError("timeout", "the client has gone")));
  socket.on("error", (error) => fail(new RequestError("malformed", `not a WebSocket message: ${error.message}`)));
  signal.addEventListener("abort", () => refuse(signal.reason), { once: true });
  stopping.addEventListener("abort", lastCall, { once: true });
  if (stopping.aborted) lastCall();

  const send = async (message: object | Uint8Array): Promise<void> => {
    signal.throwIfAborted();
    idle.refresh();
    await new Promise<void>((resolve, reject) => {
      const aborted = () => reject(signal.reason);
      signal.addEventListener("abort", aborted, { once: true });
      socket.send(message instanceof Uint8Array ? message : JSON.stringify(message), () => {
        signal.removeEventListener("abort", aborted);
        resolve();
      });
      // a client that reads nothing runs into the idle timeout
      if (socket.bufferedAmount <= MAX_OUTGOING) resolve();
    });
  };
  let release = () => undefined as unknown;
  try {
    const wanted = await first;
    checkModel((wanted as { model?: string }).model, context.model);
    const stream = context.streams.open();
    release = stream.release;
    async function* items(): AsyncGenerator<Item> {
      for await (const item of input) if (item !== "start") yield item;
    }
    const done = await kind.run(items(), wanted, stream.engine, { ...context, send, signal });
    await send({ type: "done", ...done });
    context.note(done);
    socket.close(1000);
  } catch (thrown) {
    const error = requestError(signal.aborted ? signal.reason : thrown);
    context.note({ code: error.code, message: error.message });
    if (error.code === "internal") context.note({ cause: String((error.cause as Error)?.stack ?? error.cause) });
    if (socket.readyState === socket.OPEN) {
      socket.send(JSON.stringify({ type: "error", ...error.toJSON() }));
      socket.close(closeCode(error));
    }
  } finally {
    clearTimeout(idle);
    stopping.removeEventListener("abort", lastCall);
    release();
    // one that does not answer the closing handshake is cut
    setTimeout(() => socket.terminate(), 2000).unref();
  }
}
