/** The OpenAPI 3.1 document of the operations. */
import { z } from "zod";
import { ERROR_STATUS } from "../errors.ts";
import { OPERATIONS, type Operation } from "./operations.ts";
import { errorResponse } from "./schemas.ts";

declare const UAT_VERSION: string | undefined;

/** A JSON Schema, as far as it is looked at here. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly (string | number)[];
  readonly const?: string | number | boolean | null;
  readonly format?: string;
  readonly default?: unknown;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly $ref?: string;
}

interface MediaTypes {
  readonly [media: string]: { readonly schema: JsonSchema };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly requestBody?: { readonly required: true; readonly content: MediaTypes };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: MediaTypes }>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
}

export interface OpenApi {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

function jsonSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io }) as JsonSchema & { $schema?: string };
  return rest;
}

function operationOf({ id, summary, body, answer, errors, open = false }: Operation): OpenApiOperation {
  const statuses = [...new Set(errors.map((code) => ERROR_STATUS[code]))].sort((a, b) => a - b);
  const codesOf = (status: number) => errors.filter((code) => ERROR_STATUS[code] === status).join(", ");
  const good: MediaTypes =
    "name" in answer
      ? { "application/json": { schema: ref(answer.name) } }
      : "files" in answer
        ? Object.fromEntries(answer.files.map((type) => [type, { schema: { type: "string", format: "binary" } }]))
        : { [answer.media]: { schema: { type: "string" } } };
  const unhealthy = id === "health" || id === "ready" ? { "503": { description: "It does not.", content: good } } : {};
  return {
    operationId: id,
    summary,
    ...(body && {
      requestBody: {
        required: true,
        content: Object.fromEntries(Object.entries(body).map(([media, { name }]) => [media, { schema: ref(name) }])),
      },
    }),
    responses: {
      "200": { description: "The answer.", content: good },
      ...Object.fromEntries(
        statuses.map((status) => [
          String(status),
          { description: codesOf(status), content: { "application/json": { schema: ref("ErrorResponse") } } },
        ]),
      ),
      ...unhealthy,
    },
    security: open ? [{}] : [{}, { key: [] }],
  };
}

/** The document; the same at every call. */
export function openApi(): OpenApi {
  const schemas: Record<string, JsonSchema> = { ErrorResponse: jsonSchema(errorResponse, "output") };
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const operation of OPERATIONS) {
    for (const { name, schema } of Object.values(operation.body ?? {})) schemas[name] = jsonSchema(schema, "input");
    if ("name" in operation.answer) schemas[operation.answer.name] = jsonSchema(operation.answer.schema, "output");
    const path = (paths[operation.path] ??= {});
    path[operation.method] = operationOf(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Universal audio tokenizer",
      version: typeof UAT_VERSION === "string" ? UAT_VERSION : "0.0.0",
      description: "Any audio to 25 tokens a second and back. WebSockets are described at /docs.",
    },
    paths,
    components: {
      schemas,
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "Where the server has API keys." } },
    },
  };
}
