/** What can be asked, one entry an operation: the OpenAPI document, the reference page and the client are made of it. */
import type { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import * as schemas from "./schemas.ts";

export interface Operation {
  readonly id: string;
  readonly method: "get" | "post";
  readonly path: string;
  readonly summary: string;
  /** Bodies by media type, with the name of their schema. */
  readonly body?: Readonly<Record<string, { readonly name: string; readonly schema: z.ZodType }>>;
  /** The answer: a schema, or a media type of bytes or text. */
  readonly answer:
    | { readonly name: string; readonly schema: z.ZodType }
    | { readonly media: string }
    /** Bytes of any of these types. */
    | { readonly files: readonly string[] };
  readonly errors: readonly ErrorCode[];
  /** Answered without an API key. */
  readonly open?: boolean;
}

const WORK: readonly ErrorCode[] = [
  "empty",
  "malformed",
  "unauthorized",
  "forbidden",
  "timeout",
  "too_large",
  "unsupported_media_type",
  "invalid",
  "overloaded",
  "internal",
  "not_ready",
  "deadline_exceeded",
];

export const OPERATIONS: readonly Operation[] = [
  {
    id: "tokens",
    method: "post",
    path: "/v1/audio/tokens",
    summary: "Audio files to codes. Every clip's codes are those it has alone.",
    body: {
      "application/json": { name: "TokensRequest", schema: schemas.tokensRequest },
      "multipart/form-data": { name: "TokensForm", schema: schemas.tokensForm },
    },
    answer: { name: "TokensResponse", schema: schemas.tokensResponse },
    errors: WORK,
  },
  {
    id: "decode",
    method: "post",
    path: "/v1/audio/decode",
    summary: "Codes to a file of wav, flac or Opus, whole or as it is made.",
    body: { "application/json": { name: "DecodeRequest", schema: schemas.decodeRequest } },
    answer: { files: ["audio/wav", "audio/flac", "audio/ogg"] },
    errors: WORK,
  },
  {
    id: "models",
    method: "get",
    path: "/v1/models",
    summary: "What is served, and how much one may ask of it.",
    answer: { name: "ModelsResponse", schema: schemas.modelsResponse },
    errors: ["unauthorized", "forbidden", "not_ready"],
  },
  {
    id: "health",
    method: "get",
    path: "/healthz",
    summary: "Whether inference works: every engine does a little of it. 503 with the same body when one does not.",
    answer: { name: "HealthResponse", schema: schemas.healthResponse },
    errors: ["forbidden"],
    open: true,
  },
  {
    id: "ready",
    method: "get",
    path: "/readyz",
    summary: "Whether requests are taken. 503 with the same body while models load and when the server stops.",
    answer: { name: "ReadyResponse", schema: schemas.readyResponse },
    errors: ["forbidden"],
    open: true,
  },
  {
    id: "metrics",
    method: "get",
    path: "/metrics",
    summary: "Counters and histograms in Prometheus' text format.",
    answer: { media: "text/plain" },
    errors: ["unauthorized", "forbidden"],
  },
];
