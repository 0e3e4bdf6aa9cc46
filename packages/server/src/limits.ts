/** What one request, one stream and all of them together may ask for. */
import { ServerError } from "./errors.ts";

export interface Limits {
  /** Bytes of one request's audio, before decoding. Base64 may take a third more. */
  readonly maxBytes: number;
  /** Bytes of all bodies that are held at once; further requests are told to come back. */
  readonly maxBufferedBytes: number;
  /** Seconds of one clip, after decoding. */
  readonly maxSeconds: number;
  /** Channels of one clip. */
  readonly maxChannels: number;
  /** Clips of one request. */
  readonly maxClips: number;
  /** Codes of one decode. */
  readonly maxTokens: number;
  /** Clips and decodes that may wait for an engine. */
  readonly queue: number;
  /** WebSockets and streamed decodes open at once. */
  readonly maxStreams: number;
  /** Seconds of audio, in or out, of one stream. */
  readonly maxStreamSeconds: number;
  /** Seconds until a request that has arrived is answered, whatever the answer. */
  readonly deadline: number;
  /** Seconds a client may take to send a request whole. */
  readonly uploadTimeout: number;
  /** Seconds a stream may pass without a message in or out. */
  readonly idleTimeout: number;
  /** Connections open at once. */
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxBytes: 32 * 2 ** 20,
  maxBufferedBytes: 512 * 2 ** 20,
  maxSeconds: 600,
  maxChannels: 8,
  maxClips: 64,
  maxTokens: 15_000,
  queue: 256,
  maxStreams: 32,
  maxStreamSeconds: 3600,
  deadline: 25,
  uploadTimeout: 60,
  idleTimeout: 30,
  maxConnections: 1024,
};

/** The limits with defaults filled in. @throws ServerError for what is no positive number. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given) as [keyof Limits, number | undefined][]) {
    if (value === undefined) continue;
    if (!(Number.isFinite(value) && value > 0))
      throw new ServerError(`${name} ${value}: expected a number greater than 0`);
    (limits as Record<string, number>)[name] = value;
  }
  return limits;
}
