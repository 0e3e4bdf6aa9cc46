/** The codec over HTTP and WebSocket. */
export type { EngineOptions } from "./engine/engine.ts";
export { RequestError, ServerError } from "./errors.ts";
export { parseKeys } from "./http/guard.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { jsonLog, type Log } from "./log.ts";
export type { ServerOptions } from "./options.ts";
export { type RunningServer, startServer } from "./server.ts";
