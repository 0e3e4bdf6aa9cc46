/** What goes between the server's thread and an engine's. Streams move one message at a time in either direction. */
import { RequestError } from "../errors.ts";
import type {
  DecodeJob,
  EngineOptions,
  FileOptions,
  LiveAudioOptions,
  LiveTokensOptions,
  ModelInfo,
  TokensJob,
} from "./engine.ts";

/** To the engine. */
export type EngineRequest =
  | { readonly kind: "tokens"; readonly call: number; readonly job: TokensJob; readonly deadline: number }
  | { readonly kind: "decode"; readonly call: number; readonly job: DecodeJob; readonly deadline: number }
  | { readonly kind: "liveTokens"; readonly call: number; readonly options: LiveTokensOptions }
  | { readonly kind: "liveAudio"; readonly call: number; readonly options: LiveAudioOptions }
  | { readonly kind: "liveFile"; readonly call: number; readonly options: LiveAudioOptions & FileOptions }
  /** The next block for a stream; without a value, there is none. */
  | { readonly kind: "push"; readonly call: number; readonly value?: Float32Array | Int32Array | undefined }
  /** The stream's last result was taken: make the next. */
  | { readonly kind: "next"; readonly call: number }
  | { readonly kind: "abort"; readonly call: number };

/** From the engine. */
export type EngineReply =
  | { readonly kind: "ready"; readonly info: ModelInfo }
  | { readonly kind: "failed"; readonly error: PlainError }
  | { readonly kind: "warning"; readonly message: string }
  /** The result of a job, or the next of a stream; a stream without a value has ended. */
  | { readonly kind: "value"; readonly call: number; readonly value?: unknown }
  /** The stream wants another block. */
  | { readonly kind: "pull"; readonly call: number }
  | { readonly kind: "error"; readonly call: number; readonly error: PlainError };

export interface EngineThreadData {
  readonly options: EngineOptions;
}

/** An error without its class. */
export interface PlainError {
  readonly message: string;
  readonly stack: string | undefined;
  readonly request?: { readonly code: RequestError["code"]; readonly retryAfter: number | undefined } | undefined;
  readonly isInputError: boolean;
}

export function plainError(error: unknown): PlainError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const isInputError = (error as { isInputError?: unknown } | undefined)?.isInputError === true;
  const request = error instanceof RequestError ? { code: error.code, retryAfter: error.retryAfter } : undefined;
  return { message, stack, request, isInputError };
}

export function thrownError({ message, stack, request, isInputError }: PlainError): Error {
  if (request) return new RequestError(request.code, message, { retryAfter: request.retryAfter });
  const error = Object.assign(new Error(message), isInputError && { isInputError });
  if (stack) error.stack = stack;
  return error;
}

/** A list that is waited for at its end: what is put in comes out in order. */
export class Mailbox<T> {
  readonly #items: T[] = [];
  #waiting: ((item: T) => void) | undefined;

  put(item: T): void {
    if (this.#waiting) {
      const take = this.#waiting;
      this.#waiting = undefined;
      take(item);
    } else this.#items.push(item);
  }

  take(): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}
