/** The server as a whole: listens, loads the engines, answers, and stops in order. */
import { randomUUID } from "node:crypto";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { openApi } from "./api/openapi.ts";
import { referencePage } from "./api/reference-page.ts";
import type { Engine, ModelInfo } from "./engine/engine.ts";
import { ModelEngine } from "./engine/model-engine.ts";
import { EnginePool } from "./engine/pool.ts";
import { Streams } from "./engine/streams.ts";
import { startThreadEngine, workerUrl } from "./engine/thread-engine.ts";
import { RequestError, requestError, ServerError } from "./errors.ts";
import { BodyAllowance, ByteBudget, checkHead } from "./http/body.ts";
import { ApiKeys, checkOrigins, isLoopback, keyOf, type OriginRules, originHeaders, PREFLIGHT } from "./http/guard.ts";
import { endSocket, sendBytes, sendError, sendJson } from "./http/respond.ts";
import { StaticFiles } from "./http/static-files.ts";
import { type Limits, limitsOf } from "./limits.ts";
import type { Log } from "./log.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";
import { DRAIN_SECONDS, type ServerOptions } from "./options.ts";
import type { Handler } from "./routes/context.ts";
import { postDecode } from "./routes/decode.ts";
import { Health } from "./routes/health.ts";
import { getModels } from "./routes/models.ts";
import { postTokens } from "./routes/tokens.ts";
import { acceptUpgrades, SOCKET_PATHS } from "./sockets/upgrades.ts";

/** What needs a model, by path and method. */
const MODEL_ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "/v1/audio/tokens": { POST: postTokens },
  "/v1/audio/decode": { POST: postDecode },
  "/v1/models": { GET: getModels },
};

export class RunningServer {
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #log: Log;
  readonly #keys: ApiKeys;
  readonly #origins: OriginRules;
  readonly #budget: ByteBudget;
  readonly #metrics: ServerMetrics;
  readonly #health: Health;
  readonly #server: Server;
  /** Answers under way. */
  readonly #open = new Set<ServerResponse>();
  /** Ends streams that outlast the drain. */
  readonly #lastCall = new AbortController();
  #static: StaticFiles | undefined;
  #pool: EnginePool | undefined;
  #streams: Streams | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    const { apiKeys = [], corsOrigins = [], allowedHosts = [], host = "127.0.0.1", tls } = options;
    checkOrigins(corsOrigins);
    this.#options = options;
    this.#limits = limitsOf(options.limits);
    this.#log = options.log ?? (() => undefined);
    this.#keys = new ApiKeys(apiKeys);
    const onlyAddressProtects = isLoopback(host) && !this.#keys.required;
    this.#origins = { origins: corsOrigins, hosts: onlyAddressProtects ? allowedHosts : undefined, secure: !!tls };
    this.#budget = new ByteBudget(this.#limits.maxBufferedBytes);
    this.#health = new Health(() => this.#pool);
    this.#metrics = new ServerMetrics({
      waiting: () => this.#pool?.load.waiting ?? 0,
      running: () => this.#pool?.load.running ?? 0,
      streams: () => this.#streams?.count ?? 0,
      ready: () => this.ready,
      bufferedBytes: () => this.#budget.held,
    });
    const settings = {
      maxHeaderSize: 16_384,
      headersTimeout: Math.min(10_000, this.#limits.uploadTimeout * 1000),
      requestTimeout: this.#limits.uploadTimeout * 1000,
      connectionsCheckingInterval: 1000,
      // longer than clients and load balancers keep theirs: one that is closed as it is used again is an answer lost
      keepAliveTimeout: 65_000,
      noDelay: true,
    };
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#server = tls
      ? createHttpsServer({ ...settings, cert: Buffer.from(tls.cert), key: Buffer.from(tls.key) }, handle)
      : createHttpServer(settings, handle);
    this.#server.maxConnections = this.#limits.maxConnections;
    // nothing moves while a clip is worked on; past that, the client has stopped reading
    this.#server.timeout = (this.#limits.deadline + this.#limits.uploadTimeout) * 1000;
    acceptUpgrades(this.#server, {
      keys: this.#keys,
      origins: this.#origins,
      log: this.#log,
      context: () => ({
        ...this.#working(),
        limits: this.#limits,
        metrics: this.#metrics,
        stopping: this.#lastCall.signal,
      }),
    });
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (error.code === "ERR_HTTP_REQUEST_TIMEOUT")
        endSocket(socket, new RequestError("timeout", "the request did not arrive in time"), "Request Timeout");
      else if (error.code === "HPE_HEADER_OVERFLOW")
        endSocket(socket, new RequestError("headers_too_large", "the headers pass 16 KiB"), "Headers Too Large");
      else endSocket(socket, new RequestError("malformed", "this is not a HTTP request"), "Bad Request");
    });
  }

  /** Where it listens, e.g. `http://127.0.0.1:8723`. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    const host = family === "IPv6" ? `[${address}]` : address;
    return `${this.#options.tls ? "https" : "http"}://${host}:${port}`;
  }

  get ready(): boolean {
    return !this.#stopping && (this.#pool?.ready ?? false);
  }

  /** Binds the port first, so that a taken one is told at once, then loads the models. */
  async start(): Promise<void> {
    const { host = "127.0.0.1", port = 8723, staticFolder, staticMounts } = this.#options;
    if (staticFolder !== undefined) this.#static = await StaticFiles.open(staticFolder, staticMounts);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      this.#server.listen({ host, port, backlog: 1024 }, resolve);
    });
    try {
      this.#pool = await EnginePool.start({
        create: (index) => this.#createEngine(index),
        workers: this.#options.workers ?? 1,
        queue: this.#limits.queue,
        deadline: this.#limits.deadline,
        onEvent: (event, detail) => {
          this.#metrics.engineEvents.add({ event });
          this.#log(event === "engine_restored" ? "info" : "error", event, { detail });
        },
      });
    } catch (error) {
      this.#server.close();
      this.#server.closeAllConnections();
      throw error;
    }
    this.#streams = new Streams(this.#pool, this.#limits.maxStreams);
    this.#log("info", "ready", { url: this.url, model: this.#pool.info?.id });
  }

  /** Takes nothing new, answers what was accepted, then ends. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    this.#log("info", "draining", { ...this.#pool?.load, streams: this.#streams?.count ?? 0 });
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const late = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_SECONDS * 1000).unref());
    const answered = async () => {
      while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await Promise.all([this.#pool?.idle(), this.#streams?.idle()]);
    };
    await Promise.race([answered(), late]);
    this.#lastCall.abort(stopping());
    await this.#pool?.close();
    this.#server.closeIdleConnections();
    // answers that were just made have to leave
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    this.#server.closeAllConnections();
    this.#log("info", "stopped");
  }

  #createEngine(index: number): Promise<Engine> {
    if (this.#options.createEngine) return this.#options.createEngine(index);
    const { model, revision, tokens, decode, dtype, device, threads } = this.#options;
    const options = { model, revision, tokens, decode, dtype, device, threads };
    const warn = (message: string) => {
      if (index === 0) this.#options.onWarning?.(message);
    };
    return workerUrl ? startThreadEngine(workerUrl, options, warn) : ModelEngine.load(options, warn);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now();
    const id = randomUUID();
    const path = (request.url ?? "/").split("?")[0] as string;
    const details: Record<string, unknown> = {};
    const allowance = new BodyAllowance(this.#budget, (4 / 3) * this.#limits.maxBytes + 65_536);
    const gone = new AbortController();
    let refused: RequestError | undefined;
    this.#open.add(response);
    response.setHeader("x-request-id", id);
    response.setHeader("x-content-type-options", "nosniff");
    response.once("close", () => {
      this.#open.delete(response);
      allowance.release();
      if (!response.writableFinished) gone.abort(new RequestError("timeout", "the client has gone"));
      const seconds = (performance.now() - began) / 1000;
      const status = String(response.writableFinished ? response.statusCode : 499);
      const route = KNOWN.has(path) ? path : "other";
      this.#metrics.requests.add({
        route,
        method: METHODS.has(request.method ?? "") ? request.method! : "other",
        status,
      });
      this.#metrics.requestSeconds.observe({ route }, seconds);
      // probes that find all well would fill the log
      if (PROBES.has(path) && status === "200") return;
      this.#log(Number(status) >= 500 ? "error" : "info", "request", {
        id,
        method: request.method,
        route,
        status: Number(status),
        seconds: Number(seconds.toFixed(4)),
        ...(refused && { code: refused.code, message: refused.message }),
        ...(refused?.code === "internal" && { cause: String((refused.cause as Error)?.stack ?? refused.cause) }),
        ...details,
      });
    });
    try {
      for (const [name, value] of Object.entries(originHeaders(request.headers, this.#origins)))
        response.setHeader(name, value);
      if (request.method === "OPTIONS") {
        response.writeHead(204, PREFLIGHT);
        response.end();
        return;
      }
      await this.#route(request, response, path, allowance, gone, (more) => Object.assign(details, more));
      this.#leave(response);
    } catch (error) {
      refused = requestError(error);
      sendError(response, refused);
      // the rest of a refused body is read for a moment, then the connection ends
      request.resume();
      if (!request.complete) setTimeout(() => request.complete || request.socket.destroy(), 1000).unref();
    }
  }

  /** A client has as long to read an answer as to send a request. */
  #leave(response: ServerResponse): void {
    if (response.writableFinished) return;
    const timer = setTimeout(() => response.destroy(), this.#limits.uploadTimeout * 1000);
    response.once("close", () => clearTimeout(timer));
  }

  async #route(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    allowance: BodyAllowance,
    work: AbortController,
    note: (details: Readonly<Record<string, unknown>>) => void,
  ): Promise<void> {
    const read = request.method === "GET" || request.method === "HEAD";
    if (read && path === "/healthz") {
      const health = await this.#health.check();
      return sendJson(response, health.healthy ? 200 : 503, health);
    }
    if (read && path === "/readyz") {
      const { waiting = 0, running = 0 } = this.#pool?.load ?? {};
      return sendJson(response, this.ready ? 200 : 503, { ready: this.ready, waiting, running });
    }
    if (read && path === "/metrics") {
      this.#keys.check(keyOf(request.headers));
      return sendBytes(response, 200, "text/plain; version=0.0.4; charset=utf-8", this.#metrics.text());
    }
    if (read && path === "/openapi.json") return sendJson(response, 200, openApi());
    if (read && path === "/docs") {
      const page = referencePage(openApi());
      return sendBytes(response, 200, "text/html; charset=utf-8", page, { "content-security-policy": PAGE_POLICY });
    }
    const methods = MODEL_ROUTES[path];
    if (!methods && read && (await this.#static?.send(request, response, path))) return;
    if (!methods && read && path === "/") {
      response.writeHead(302, { location: "/docs" });
      response.end();
      return;
    }
    if (SOCKET_PATHS.has(path)) throw new RequestError("upgrade_required", "a WebSocket is here; see /docs");
    if (!methods) throw new RequestError("not_found", "nothing is here; see /docs");
    this.#keys.check(keyOf(request.headers));
    const handler = methods[request.method ?? ""];
    if (!handler) {
      response.setHeader("allow", Object.keys(methods).join(", "));
      throw new RequestError("method_not_allowed", `${request.method}: expected ${Object.keys(methods).join(", ")}`);
    }
    const working = this.#working();
    checkHead(request, (4 / 3) * this.#limits.maxBytes + 65_536);
    await handler({
      request,
      response,
      limits: this.#limits,
      metrics: this.#metrics,
      allowance,
      signal: work.signal,
      abandon: (reason) => work.abort(reason),
      ...working,
      note,
    });
  }

  /** What requests work with. @throws RequestError `not_ready` before that is loaded and when the server stops. */
  #working(): { pool: EnginePool; streams: Streams; model: ModelInfo } {
    if (this.#stopping) throw stopping();
    const pool = this.#pool;
    const model = pool?.info;
    if (!pool || !this.#streams || !model)
      throw new RequestError("not_ready", "the model is being loaded; try again in 2 s", { retryAfter: 2 });
    return { pool, streams: this.#streams, model };
  }
}

const stopping = (): RequestError =>
  new RequestError("not_ready", "the server is stopping; try another or later", { retryAfter: 10 });

/** The reference page has its style in it, and nothing else. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const KNOWN = new Set([...Object.keys(MODEL_ROUTES), "/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"]);
const PROBES = new Set(["/healthz", "/readyz", "/metrics"]);
const METHODS = new Set(["GET", "HEAD", "POST", "OPTIONS"]);

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const why: Record<string, string> = {
    EADDRINUSE: "something listens there already; give another --port",
    EACCES: "permission denied; give a --port from 1024",
    EADDRNOTAVAIL: "this machine has no such address; give another --host",
    ENOTFOUND: "no such host; give another --host",
  };
  return new ServerError(`${host}:${port}: cannot listen: ${why[error.code ?? ""] ?? error.message}`, { cause: error });
}

/**
 * Starts a server and waits until it is ready.
 * @throws ServerError for options and addresses that cannot be used, the library's errors for models.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = new RunningServer(options);
  await server.start();
  return server;
}
