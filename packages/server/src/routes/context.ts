/** What a handler of a request is given. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ModelInfo } from "../engine/engine.ts";
import type { EnginePool } from "../engine/pool.ts";
import type { Streams } from "../engine/streams.ts";
import { RequestError } from "../errors.ts";
import type { BodyAllowance } from "../http/body.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";

export interface Context {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly limits: Limits;
  readonly metrics: ServerMetrics;
  readonly allowance: BodyAllowance;
  /** Aborts when the client has gone, and by `abandon`. */
  readonly signal: AbortSignal;
  /** Ends the request's work. */
  abandon(reason: unknown): void;
  readonly pool: EnginePool;
  readonly model: ModelInfo;
  readonly streams: Streams;
  /** Adds to the request's log line. */
  note(details: Readonly<Record<string, unknown>>): void;
}

export type Handler = (context: Context) => Promise<void> | void;

/** @throws RequestError `invalid` when another model is asked for than the one that is served. */
export function checkModel(asked: string | undefined, { id }: ModelInfo): void {
  if (asked !== undefined && asked !== id)
    throw new RequestError("invalid", `model ${asked}: this server has ${id}; leave model out or give ${id}`);
}
