/** A client of `uat serve`. Made by generate-client.ts from the OpenAPI document: change that, not this file. */

/** ErrorResponse of the OpenAPI document. */
export interface ErrorResponse {
  error: {
    code:
      | "empty"
      | "malformed"
      | "unauthorized"
      | "forbidden"
      | "not_found"
      | "method_not_allowed"
      | "timeout"
      | "too_large"
      | "unsupported_media_type"
      | "invalid"
      | "upgrade_required"
      | "overloaded"
      | "headers_too_large"
      | "internal"
      | "not_ready"
      | "deadline_exceeded";
    /** One line. */
    message: string;
  };
}

/** TokensRequest of the OpenAPI document. */
export interface TokensRequest {
  /** One clip, or several. */
  audio: string | string[];
  /** Channel heard: an index from 0, or the mean of all. */
  channel?: number | "mean" | undefined;
  /** Id of the model; the one that is served by default. */
  model?: string | undefined;
}

/** TokensForm of the OpenAPI document. */
export interface TokensForm {
  /** Audio files: wav, flac, mp3, ogg (Vorbis, Opus), m4a or webm. */
  file: Blob[];
  /** Channel heard: an index from 0, or mean. */
  channel?: string | undefined;
  /** Id of the model; the one that is served by default. */
  model?: string | undefined;
}

/** TokensResponse of the OpenAPI document. */
export interface TokensResponse {
  model: string;
  /** [B, 1, T]; clips shorter than the longest end with -1. */
  audio_codes: number[][][];
  /** [B, 1, T] */
  shape: number[];
  /** Codes a second: code i stands for i / frame_rate to (i + 1) / frame_rate seconds. */
  frame_rate: number;
  /** Codes are whole numbers below it. */
  codebook_size: number;
  clips: {
    /** Codes of this clip, without padding. */
    tokens: number;
    /** Seconds of audio. */
    duration: number;
    /** Codes that rounding may decide, so that another machine may give another. */
    ties: number;
  }[];
  timing: {
    /** Longest wait of a clip for an engine. */
    queue_seconds: number;
    /** Work on all clips: reading audio, features, network. */
    inference_seconds: number;
    /** inference_seconds for each second of audio. */
    real_time_factor: number;
  };
}

/** DecodeRequest of the OpenAPI document. */
export interface DecodeRequest {
  /** [T], or [1, 1, T] as tokens are given; -1 at the end is padding. */
  codes: number[] | number[][][];
  /** wav, flac (16 bits, lossless) or Opus in Ogg (48 kHz, 64 kb/s). */
  format?: "wav" | "flac" | "opus" | undefined;
  /** Of wav: 16-bit integers, the default, or 32-bit floats. */
  encoding?: "s16" | "f32" | undefined;
  /** Send audio as it is made; the header of wav and flac then tells no length. */
  stream?: boolean | undefined;
  /** Seed of every random draw; 42 by default. */
  seed?: number | undefined;
  /** Codes of context kept in view; all by default. */
  window?: number | undefined;
  /** Codes of one chunk; the model's own by default. */
  block_size?: number | undefined;
  /** Id of the model; the one that is served by default. */
  model?: string | undefined;
}

/** ModelsResponse of the OpenAPI document. */
export interface ModelsResponse {
  object: "list";
  data: {
    id: string;
    object: "model";
    codebook_size: number;
    frame_rate: number;
    tokenizer: {
      runtime: string;
      /** Whether codes of a WebSocket are those of a whole file. */
      live_is_exact: boolean;
    } | null;
    decoder: {
      runtime: string;
      kind: string;
      sample_rate: number;
    } | null;
  }[];
  /** What one request and one stream may ask for. */
  limits: Record<string, number>;
}

/** HealthResponse of the OpenAPI document. */
export interface HealthResponse {
  healthy: boolean;
  /** Whether each engine answered a tiny inference. */
  engines: boolean[];
}

/** ReadyResponse of the OpenAPI document. */
export interface ReadyResponse {
  ready: boolean;
  waiting: number;
  running: number;
}

/** What the server refused, and why. */
export class UatServerError extends Error {
  override readonly name = "UatServerError";
  readonly status: number;
  readonly code: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, retryAfter: number | undefined) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

function formOf(fields: Record<string, unknown>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    for (const one of Array.isArray(value) ? value : [value])
      if (one instanceof Blob) form.append(name, one, "audio");
      else if (one !== undefined) form.append(name, String(one));
  return form;
}

/** Asks a server by `fetch`, in Node and in browsers. Every method throws UatServerError for what is refused. */
export class UatClient {
  readonly #url: string;
  readonly #key: string | undefined;

  /** @param url e.g. `http://127.0.0.1:8723` */
  constructor(url: string, options: { readonly apiKey?: string | undefined } = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = options.apiKey;
  }

  /** Audio files to codes. Every clip's codes are those it has alone. */
  async tokens(body: TokensRequest, signal?: AbortSignal): Promise<TokensResponse> {
    const response = await this.#ask("POST", "/v1/audio/tokens", JSON.stringify(body), signal);
    return response.json() as Promise<TokensResponse>;
  }

  /** Audio files to codes. Every clip's codes are those it has alone. */
  async tokensForm(body: TokensForm, signal?: AbortSignal): Promise<TokensResponse> {
    const response = await this.#ask("POST", "/v1/audio/tokens", formOf({ ...body }), signal);
    return response.json() as Promise<TokensResponse>;
  }

  /** Codes to a file of wav, flac or Opus, whole or as it is made. The body is read as it comes. */
  async decode(body: DecodeRequest, signal?: AbortSignal): Promise<Response> {
    const response = await this.#ask("POST", "/v1/audio/decode", JSON.stringify(body), signal);
    return response;
  }

  /** What is served, and how much one may ask of it. */
  async models(signal?: AbortSignal): Promise<ModelsResponse> {
    const response = await this.#ask("GET", "/v1/models", undefined, signal);
    return response.json() as Promise<ModelsResponse>;
  }

  /** Whether inference works: every engine does a little of it. 503 with the same body when one does not. */
  async health(signal?: AbortSignal): Promise<HealthResponse> {
    const response = await this.#ask("GET", "/healthz", undefined, signal, [503]);
    return response.json() as Promise<HealthResponse>;
  }

  /** Whether requests are taken. 503 with the same body while models load and when the server stops. */
  async ready(signal?: AbortSignal): Promise<ReadyResponse> {
    const response = await this.#ask("GET", "/readyz", undefined, signal, [503]);
    return response.json() as Promise<ReadyResponse>;
  }

  /** Counters and histograms in Prometheus' text format. */
  async metrics(signal?: AbortSignal): Promise<string> {
    const response = await this.#ask("GET", "/metrics", undefined, signal);
    return response.text();
  }

  async #ask(
    method: string,
    path: string,
    body: string | FormData | undefined,
    signal: AbortSignal | undefined,
    alike: readonly number[] = [],
  ): Promise<Response> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        ...(this.#key !== undefined && { authorization: `Bearer ${this.#key}` }),
        ...(typeof body === "string" && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    });
    if (response.ok || alike.includes(response.status)) return response;
    const retryAfter = response.headers.get("retry-after");
    const { error } = (await response.json().catch(() => ({}))) as Partial<ErrorResponse>;
    throw new UatServerError(
      response.status,
      error?.code ?? "internal",
      error?.message ?? `HTTP status ${response.status}`,
      retryAfter === null ? undefined : Number(retryAfter),
    );
  }
}
