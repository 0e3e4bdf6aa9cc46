/**
 * A language model behind any endpoint that speaks OpenAI's chat completions: a judge, or a model whose understanding of
 * audio is measured. The connection may fail in every way that networks do; whoever asks sees an answer or one clear
 * error.
 */
import { EvaluationError } from "../errors.ts";

/** A part of a message: text, or a WAV file as OpenAI's `input_audio`. */
export type ContentPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "input_audio"; readonly input_audio: { readonly data: string; readonly format: "wav" } };

export interface ChatMessage {
  readonly role: "system" | "user";
  readonly content: string | readonly ContentPart[];
}

export interface EndpointOptions {
  /** Base URL, `https://host/v1`, or that of the completions themselves, `…/chat/completions`. */
  readonly url: string;
  readonly model: string;
  /** Sent as a bearer token; never shown ({@link endpointKey}). */
  readonly apiKey?: string | undefined;
  /** Requests at the same time; 4 by default. */
  readonly concurrency?: number | undefined;
  /** Seconds for one answer; 120 by default. */
  readonly timeout?: number | undefined;
  /** Tokens of an answer; the endpoint's own limit by default. */
  readonly maxTokens?: number | undefined;
  /** Seconds before the first repetition, doubled each time; 1 by default. */
  readonly firstDelay?: number | undefined;
  /** Told when a request is made again, and why. */
  readonly onRetry?: ((message: string) => void) | undefined;
}

export interface AskOptions {
  readonly temperature: number;
  readonly signal?: AbortSignal | undefined;
}

/** The endpoint does not take this one request: too long, filtered, a kind of content it does not know. */
export class RefusedRequest extends EvaluationError {}

/** Times that a request is made before the run ends. */
const ATTEMPTS = 6;
/** Seconds waited at most before a request is repeated, whatever the endpoint asks for. */
const LONGEST_DELAY = 120;
const LARGEST_ANSWER = 8 << 20;
/** Requests refused with none answered yet: it is the endpoint that does not fit, not the requests. */
const REFUSALS = 5;

export class ChatEndpoint {
  readonly model: string;
  readonly concurrency: number;
  /** URL of the completions, without what a query may hold. */
  readonly address: string;
  readonly #url: string;
  readonly #options: EndpointOptions;
  #answered = 0;
  #refused = 0;

  /** @throws EvaluationError for a URL that is none, is not http(s), or holds a password. */
  constructor(options: EndpointOptions) {
    const { url: text, model, concurrency = 4 } = options;
    if (!URL.canParse(text))
      throw new EvaluationError("the endpoint's address is not a URL; expected one such as https://host/v1");
    const url = new URL(text);
    if (url.protocol !== "http:" && url.protocol !== "https:")
      throw new EvaluationError(`the endpoint's address begins with ${url.protocol}; expected http: or https:`);
    if (url.username !== "" || url.password !== "")
      throw new EvaluationError(
        "the endpoint's address holds a user name or password; give the key through the environment instead",
      );
    if (model === "") throw new EvaluationError("the endpoint's model has no name; expected one that it offers");
    if (!(Number.isInteger(concurrency) && concurrency >= 1))
      throw new EvaluationError(`${concurrency} requests at the same time; expected a whole number from 1`);
    if (!url.pathname.endsWith("/chat/completions"))
      url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
    url.hash = "";
    this.model = model;
    this.concurrency = concurrency;
    this.address = `${url.origin}${url.pathname}`;
    this.#url = url.href;
    this.#options = options;
  }

  /** What decides an answer besides messages and temperature: part of the key under which it is remembered. */
  get identity(): string {
    const { maxTokens } = this.#options;
    return `${this.model} at ${this.address}${maxTokens === undefined ? "" : `, at most ${maxTokens} tokens`}`;
  }

  /**
   * The text of an answer. Too many requests (429), errors of the server (5xx), broken connections, silence and answers
   * that are no completions are tried again, later and later.
   * @throws RefusedRequest when the endpoint does not take these messages but has taken others; EvaluationError when it
   * cannot be used; the signal's reason when it aborts.
   */
  async ask(messages: readonly ChatMessage[], { temperature, signal }: AskOptions): Promise<string> {
    const { model, maxTokens, firstDelay = 1, onRetry } = this.#options;
    const limit = maxTokens === undefined ? {} : { max_tokens: maxTokens };
    const body = JSON.stringify({ model: this.#options.model, messages, temperature, ...limit });
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const outcome = await this.#request(body, signal);
      if ("text" in outcome) {
        this.#answered++;
        return outcome.text;
      }
      const { failure, after } = outcome;
      if (attempt === ATTEMPTS)
        throw new EvaluationError(
          `${this.address}: ${failure}, ${ATTEMPTS} times; expected a completion by ${model}; run it again later: answers so far are kept`,
        );
      const backoff = firstDelay * 2 ** (attempt - 1) * (1 + Math.random() / 4);
      const delay = Math.min(LONGEST_DELAY, Math.max(backoff, after ?? 0));
      onRetry?.(`${this.address}: ${failure}; asking again in ${delay.toFixed(1)} s`);
      await wait(delay, signal);
    }
  }

  /** @returns the answer, or why there is none and when to ask again. @throws what asking again would not mend. */
  async #request(
    body: string,
    signal: AbortSignal | undefined,
  ): Promise<{ text: string } | { failure: string; after?: number | undefined }> {
    const { apiKey, timeout = 120 } = this.#options;
    const late = AbortSignal.timeout(timeout * 1000);
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body,
        // a key must not travel to where it was not sent
        redirect: "manual",
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
      const text = await readAll(response);
      if (response.ok) {
        const content = contentOf(text);
        return content === undefined ? { failure: `answered ${this.#quoted(text)}, no completion` } : { text: content };
      }
      const { status } = response;
      const failure = `answered ${status}${text === "" ? "" : ` ${this.#quoted(text)}`}`;
      if (status === 408 || status === 409 || status === 429 || status >= 500)
        return { failure, after: retryAfter(response.headers.get("retry-after")) };
      throw this.#final(status, failure);
    } catch (error) {
      if (error instanceof EvaluationError) throw error;
      signal?.throwIfAborted();
      if (late.aborted) return { failure: `did not answer within ${timeout} s` };
      return { failure: `cannot be reached (${reasonOf(error)})` };
    }
  }

  /** Answers that asking again would not change. */
  #final(status: number, failure: string): EvaluationError {
    if (status === 400 || status === 413 || status === 422) {
      this.#refused++;
      if (this.#answered > 0 || this.#refused < REFUSALS) return new RefusedRequest(`${this.address}: ${failure}`);
    }
    const remedy =
      status === 401 || status === 403
        ? "check the key in the environment"
        : status === 404
          ? `check the address and the model's name, ${this.model}`
          : status < 400
            ? "give the address that it redirects to"
            : "check the address, the model and what it takes";
    return new EvaluationError(`${this.address}: ${failure}; expected a completion; ${remedy}`);
  }

  /** What an endpoint wrote, fit for one line of a message. Some repeat the key they were sent. */
  #quoted(text: string): string {
    const { apiKey } = this.#options;
    const safe = apiKey ? text.replaceAll(apiKey, "…") : text;
    const line = safe.replace(/[\p{Cc}\s]+/gu, " ").trim();
    return JSON.stringify(line.length > 160 ? `${line.slice(0, 159)}…` : line);
  }
}

/**
 * The key for an endpoint: `UAT_ENDPOINT_KEY`, or `OPENAI_API_KEY` where the endpoint is OpenAI's own; a key must not go
 * to anyone it was not made for.
 */
export function endpointKey(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const own = environment.UAT_ENDPOINT_KEY || undefined;
  if (own !== undefined || !URL.canParse(url)) return own;
  const { hostname, protocol } = new URL(url);
  const openAi = protocol === "https:" && hostname === "api.openai.com";
  return openAi ? environment.OPENAI_API_KEY || undefined : undefined;
}

/** The text of the first choice; undefined for anything that is not a chat completion. */
function contentOf(text: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const choices = (json as { choices?: unknown } | null)?.choices;
  const message = Array.isArray(choices) ? (choices[0] as { message?: { content?: unknown } } | null)?.message : null;
  const content = message?.content;
  if (typeof content === "string") return content;
  // some give the text in parts
  if (!Array.isArray(content)) return undefined;
  const parts = content.map((part: { text?: unknown } | null) => part?.text);
  return parts.every((part) => typeof part === "string") ? parts.join("") : undefined;
}

async function readAll(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > LARGEST_ANSWER) throw new Error(`its answer passes ${LARGEST_ANSWER >> 20} MiB`);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

/** Seconds of a Retry-After header: a number, or a date. */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: unknown; message?: unknown }; message?: unknown };
  return String(cause?.code ?? cause?.message ?? message ?? error).replace(/[\p{Cc}\s]+/gu, " ");
}

async function wait(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, seconds * 1000);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
  signal?.throwIfAborted();
}
