/** What `startServer` may be told. */
import type { Engine, EngineOptions } from "./engine/engine.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";

export interface ServerOptions extends EngineOptions {
  /** Address listened at; 127.0.0.1 by default. */
  readonly host?: string | undefined;
  /** 0 takes any free port; 8723 by default. */
  readonly port?: number | undefined;
  /** Engines side by side, each with networks of its own in a thread of its own; 1 by default. */
  readonly workers?: number | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Keys that open `/v1` and `/metrics`; without any, all who reach the server may use it. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Origins of pages elsewhere that may ask; `*` for all. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** Names the host may be called by besides `localhost`, where the server is open and listens on loopback only. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** PEM of a certificate chain and its private key: the server speaks https. */
  readonly tls?: { readonly cert: Uint8Array; readonly key: Uint8Array } | undefined;
  /** A folder whose files are served at `/`. */
  readonly staticFolder?: string | undefined;
  /** Further folders, by the path below `/` they appear under, e.g. `/models/base/`. */
  readonly staticMounts?: Readonly<Record<string, string>> | undefined;
  readonly log?: Log | undefined;
  /** Makes the engines, in place of those that load the model: other networks, or none. */
  readonly createEngine?: ((index: number) => Promise<Engine>) | undefined;
  /** Told when a network runs slower than asked for. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Seconds that accepted requests have to end when the server stops. */
export const DRAIN_SECONDS = 27;
