/** From a request to a WebSocket: who may have one, and which. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { RequestError, requestError } from "../errors.ts";
import { type ApiKeys, type OriginRules, originHeaders, SOCKET_PROTOCOL, socketKeyOf } from "../http/guard.ts";
import { endSocket } from "../http/respond.ts";
import type { Log } from "../log.ts";
import { liveAudio } from "./live-audio.ts";
import { liveTokens } from "./live-tokens.ts";
import { runSession, type SessionContext } from "./session.ts";

/** Bytes of one message: 10 s of 48 kHz floats are 1.8 MiB. */
const MAX_MESSAGE = 4 << 20;
/** Milliseconds between pings; a client that answers none between two is gone. */
const PING = 15_000;

const SESSIONS = {
  "/v1/audio/tokens/live": liveTokens,
  "/v1/audio/decode/live": liveAudio,
} as const;

export const SOCKET_PATHS: ReadonlySet<string> = new Set(Object.keys(SESSIONS));

export interface UpgradeOptions {
  readonly keys: ApiKeys;
  readonly origins: OriginRules;
  readonly log: Log;
  /** What a session works with. @throws RequestError while that is not there, or no longer. */
  context(): Omit<SessionContext, "socket" | "note">;
}

export function acceptUpgrades(server: Server, { keys, origins, log, context }: UpgradeOptions): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
  });
  server.on("upgrade", (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    duplex.on("error", () => duplex.destroy());
    const path = (request.url ?? "/").split("?")[0] as string;
    try {
      originHeaders(request.headers, origins);
      const kind = SESSIONS[path as keyof typeof SESSIONS];
      if (!kind) throw new RequestError("not_found", "no WebSocket is here; see /docs");
      keys.check(socketKeyOf(request.headers));
      const given = context();
      sockets.handleUpgrade(request, duplex, head, (socket) => {
        const began = performance.now();
        const details: Record<string, unknown> = { id: randomUUID(), route: path };
        let alive = true;
        socket.on("pong", () => {
          alive = true;
        });
        const pings = setInterval(() => {
          // a paused socket's pongs are not read
          if (!alive && !socket.isPaused) return socket.terminate();
          alive = false;
          socket.ping();
        }, PING);
        socket.on("close", (code) => {
          clearInterval(pings);
          details.close = code;
        });
        const session: SessionContext = { ...given, socket, note: (more) => Object.assign(details, more) };
        const ran = kind === liveTokens ? runSession(liveTokens, session) : runSession(liveAudio, session);
        void ran.then(() => {
          const seconds = (performance.now() - began) / 1000;
          given.metrics.requests.add({ route: path, method: "WS", status: String(details.code ?? "ok") });
          log(details.code === "internal" ? "error" : "info", "stream", { ...details, seconds });
        });
      });
    } catch (thrown) {
      const error = requestError(thrown);
      log("info", "stream_refused", { route: SOCKET_PATHS.has(path) ? path : "other", code: error.code });
      endSocket(duplex, error, "Refused");
    }
  });
}
