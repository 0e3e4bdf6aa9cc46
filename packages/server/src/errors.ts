/** What a request is refused with, and what is wrong with the options of a server. */

/** An option of the server cannot be used; the message is one line: what was given, what was expected, what to do. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly isInputError = true;
}

/** Codes of errors, as bodies carry them. Each belongs to one status. */
export const ERROR_STATUS = {
  empty: 400,
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  timeout: 408,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  upgrade_required: 426,
  overloaded: 429,
  headers_too_large: 431,
  internal: 500,
  not_ready: 503,
  deadline_exceeded: 504,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** The answer to a request that cannot be served. The message is one line and holds nothing of the audio. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: ErrorCode;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { retryAfter?: number | undefined } = {}) {
    super(message.replace(/[\p{Cc}\s]+/gu, " ").trim(), options);
    this.code = code;
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }

  toJSON(): { error: { code: ErrorCode; message: string } } {
    return { error: { code: this.code, message: this.message } };
  }
}

/** Anything thrown as the error a client is told. What is not meant for clients becomes `internal` without details. */
export function requestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if ((error as { isInputError?: unknown } | undefined)?.isInputError === true)
    return new RequestError("invalid", (error as Error).message, { cause: error });
  return new RequestError("internal", "internal error; the server's log has more under this request's id", {
    cause: error,
  });
}
