/** Who may ask: API keys, origins of web pages, names of the host. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { RequestError, ServerError } from "../errors.ts";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** The keys that open the server. None means that it is open to all who reach it. */
export class ApiKeys {
  readonly #digests: readonly Buffer[];

  /** @throws ServerError for keys that are too short to be secret or cannot stand in a header. */
  constructor(keys: readonly string[]) {
    for (const key of keys)
      if (!/^[A-Za-z0-9._~-]{16,256}$/.test(key))
        throw new ServerError(
          "an API key: expected 16 to 256 letters, digits or . _ ~ -; make one, e.g. with openssl rand -hex 32",
        );
    this.#digests = keys.map(digest);
  }

  get required(): boolean {
    return this.#digests.length > 0;
  }

  /** Compares with every key in constant time. @throws RequestError `unauthorized`. */
  check(given: string | undefined): void {
    if (!this.required) return;
    const hash = digest(given ?? "");
    let fits = 0;
    for (const one of this.#digests) fits |= Number(timingSafeEqual(one, hash));
    if (fits === 0)
      throw new RequestError("unauthorized", "no valid API key; send the header authorization: Bearer KEY");
  }
}

/** Keys of a file's lines or of a list: blank lines and those that begin with # are left out, commas divide. */
export const parseKeys = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => !line.trim().startsWith("#"))
    .flatMap((line) => line.split(","))
    .map((key) => key.trim())
    .filter(Boolean);

/** The key of a request's headers: `authorization: Bearer KEY` or `x-api-key: KEY`. */
export function keyOf({ authorization, "x-api-key": header }: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +([^\s]+) *$/i.exec(authorization ?? "")?.[1];
  return bearer ?? (Array.isArray(header) ? header[0] : header);
}

/** What a WebSocket of a browser, which can set no headers, names its key by. */
const KEY_PROTOCOL = "uat-key.";
/** The subprotocol that is spoken. */
export const SOCKET_PROTOCOL = "uat";

/** The key of a WebSocket: its headers, or the subprotocol `uat-key.KEY`. */
export function socketKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const named = (headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((name) => name.trim())
    .find((name) => name.startsWith(KEY_PROTOCOL));
  return keyOf(headers) ?? named?.slice(KEY_PROTOCOL.length);
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

export interface OriginRules {
  /** Origins of pages elsewhere that may ask, e.g. `https://example.org`; `*` for all. */
  readonly origins: readonly string[];
  /**
   * Names the host may be called by; `undefined` for any. A page elsewhere can make its own name point here (DNS
   * rebinding): where nothing but the address protects the server, the name must be right as well.
   */
  readonly hosts: readonly string[] | undefined;
  readonly secure: boolean;
}

/** Origins from the command line. @throws ServerError for what is no origin. */
export function checkOrigins(origins: readonly string[]): void {
  for (const origin of origins)
    if (origin !== "*" && (!URL.canParse(origin) || new URL(origin).origin !== origin))
      throw new ServerError(`origin ${origin}: expected e.g. https://example.org, without a path, or *`);
}

/**
 * Headers by which a page may read the answer.
 * @throws RequestError `forbidden` for pages that are neither from here nor on the list, and for names of the host that
 * are not this server's.
 */
export function originHeaders(
  { host = "", origin }: IncomingHttpHeaders,
  { origins, hosts, secure }: OriginRules,
): Record<string, string> {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (hosts && !isLoopback(name) && !hosts.includes(name))
    throw new RequestError("forbidden", `host ${name.slice(0, 100)}: not a name of this server; see --allow-host`);
  if (origin === undefined) return {};
  if (origins.includes("*")) return { "access-control-allow-origin": "*", ...EXPOSED };
  if (origins.includes(origin)) return { "access-control-allow-origin": origin, vary: "origin", ...EXPOSED };
  if (origin === `${secure ? "https" : "http"}://${host}`) return {};
  throw new RequestError("forbidden", `origin ${origin.slice(0, 100)}: not allowed here; see --cors`);
}

const EXPOSED = {
  "access-control-expose-headers": "retry-after, x-request-id, x-queue-seconds, x-inference-seconds",
} as const;

/** What a preflight is told besides. */
export const PREFLIGHT = {
  "access-control-allow-methods": "GET, POST, OPTIONS",
  "access-control-allow-headers": "authorization, content-type, x-api-key",
  "access-control-max-age": "600",
} as const;
