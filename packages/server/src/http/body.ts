/** Bodies of requests, counted while they come in: each against its own limit, all against one for the process. */
import type { IncomingMessage } from "node:http";
import { RequestError } from "../errors.ts";

/** Bytes held by all requests together. */
export class ByteBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get held(): number {
    return this.#held;
  }

  /** @throws RequestError `overloaded` when there is no room. */
  take(bytes: number): void {
    if (this.#held + bytes > this.#most)
      throw new RequestError("overloaded", "the server holds as many bytes as it may; try again in 2 s", {
        retryAfter: 2,
      });
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What one request and its answer take of the budget, given back when the answer has left. */
export class BodyAllowance {
  readonly #budget: ByteBudget;
  readonly #most: number;
  #taken = 0;

  constructor(budget: ByteBudget, most: number) {
    this.#budget = budget;
    this.#most = most;
  }

  /** @throws RequestError `too_large` past the request's own limit, `overloaded` past everyone's. */
  take(bytes: number): void {
    if (this.#taken + bytes > this.#most) throw tooLarge(this.#most);
    this.#budget.take(bytes);
    this.#taken += bytes;
  }

  /** Counts an answer that is about to be held, which has no limit of its own. @throws RequestError `overloaded`. */
  hold(bytes: number): void {
    this.#budget.take(bytes);
    this.#taken += bytes;
  }

  release(): void {
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }
}

const tooLarge = (most: number) =>
  new RequestError("too_large", `the body passes ${most} bytes, the most this server takes; send less at once`);

/** Refuses a body that says it is too long, or packed (a bomb may be in it), before it is read. */
export function checkHead(request: IncomingMessage, most: number): void {
  const coding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (coding !== "identity")
    throw new RequestError(
      "unsupported_media_type",
      `content-encoding ${coding.slice(0, 20)}: send the body as it is, audio is packed already`,
    );
  const length = Number(request.headers["content-length"] ?? 0);
  if (length > most) throw tooLarge(most);
}

/**
 * Hands on a body part by part, and goes on discarding after a refusal: a socket that is closed with bytes unread takes
 * the answer with it.
 * @throws RequestError of the allowance or of `onPart`; `malformed` when the client left midway.
 */
export function consume(
  request: IncomingMessage,
  allowance: BodyAllowance,
  onPart: (part: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      request.off("data", onData);
      request.off("end", onEnd);
      request.off("close", onClose);
      request.resume();
    };
    const fail = (error: unknown) => {
      stop();
      reject(error);
    };
    const onData = (part: Buffer) => {
      try {
        allowance.take(part.length);
        onPart(part);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = () => {
      stop();
      resolve();
    };
    const onClose = () => fail(new RequestError("malformed", "the request ended before its body did"));
    // a reset connection is told by `close` as well
    request.on("error", () => undefined);
    request.on("data", onData);
    request.on("end", onEnd);
    request.on("close", onClose);
  });
}

/** The whole body. @throws RequestError as {@link consume}. */
export async function readBody(request: IncomingMessage, allowance: BodyAllowance): Promise<Buffer> {
  const parts: Buffer[] = [];
  await consume(request, allowance, (part) => parts.push(part));
  return Buffer.concat(parts);
}

/** The media type without its parameters, in lower case. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** A JSON body. @throws RequestError `malformed`. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw new RequestError("empty", "the body is empty; expected JSON");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new RequestError("malformed", "the body is not JSON; send a JSON object", { cause: error });
  }
}
