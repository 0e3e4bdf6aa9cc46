/**
 * Writes client.ts from the OpenAPI document: an interface for every schema, a method for every operation and body.
 * write-client.ts runs it; a test keeps the file and the document together.
 */
import type { JsonSchema, OpenApi, OpenApiOperation } from "../api/openapi.ts";

const nameOf = (reference: string): string => reference.split("/").at(-1) as string;
const docLine = (text: string | undefined, indent: string): string => (text ? `${indent}/** ${text} */\n` : "");

/** A schema as a TypeScript type. */
export function typeOf(schema: JsonSchema, indent = ""): string {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return [...new Set(either.map((one) => typeOf(one, indent)))].join(" | ");
  if (schema.format === "binary") return "Blob";
  switch (schema.type) {
    case "object":
      return schema.properties
        ? `{\n${fieldsOf(schema, `${indent}  `)}${indent}}`
        : `Record<string, ${typeof schema.additionalProperties === "object" ? typeOf(schema.additionalProperties, indent) : "unknown"}>`;
    case "array": {
      const item = typeOf(schema.items ?? {}, indent);
      return item.includes("|") && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
    }
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    default:
      return "unknown";
  }
}

function fieldsOf(schema: JsonSchema, indent: string): string {
  return Object.entries(schema.properties ?? {})
    .map(([name, field]) => {
      const optional = schema.required?.includes(name) ? "" : "?";
      const more = optional ? " | undefined" : "";
      return `${docLine(field.description, indent)}${indent}${name}${optional}: ${typeOf(field, indent)}${more};\n`;
    })
    .join("");
}

function methodsOf(path: string, method: string, operation: OpenApiOperation): string {
  const [media, good] = Object.entries(operation.responses["200"]?.content ?? {})[0] ?? ["", { schema: {} }];
  const result = media === "application/json" ? typeOf(good.schema) : media === "text/plain" ? "string" : "Response";
  const reader = { string: "text", Response: "whole" }[result] ?? "json";
  // a status that is no error: it has the same answer
  const alike = operation.responses["503"]?.content[media]?.schema.$ref === good.schema.$ref && good.schema.$ref;
  const bodies = Object.entries(operation.requestBody?.content ?? {});
  const method_ = method.toUpperCase();
  const one = (name: string, parameter: string, body: string) =>
    `${docLine(`${operation.summary}${result === "Response" ? " The body is read as it comes." : ""}`, "  ")}  async ${name}(${parameter}signal?: AbortSignal): Promise<${result}> {
    const response = await this.#ask("${method_}", "${path}", ${body}, signal${alike ? ", [503]" : ""});
    return ${reader === "whole" ? "response" : `response.${reader}()${reader === "json" ? ` as Promise<${result}>` : ""}`};
  }
`;
  if (bodies.length === 0) return one(operation.operationId, "", "undefined");
  return bodies
    .map(([type, { schema }]) => {
      const isForm = type === "multipart/form-data";
      const name = isForm ? `${operation.operationId}Form` : operation.operationId;
      return one(name, `body: ${typeOf(schema)}, `, isForm ? "formOf({ ...body })" : "JSON.stringify(body)");
    })
    .join("\n");
}

/** The source of client.ts. */
export function generateClient(document: OpenApi): string {
  const interfaces = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `${docLine(schema.description ?? `${name} of the OpenAPI document.`, "")}export interface ${name} {\n${fieldsOf(schema, "  ")}}\n`,
  );
  const methods = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => methodsOf(path, method, operation)),
  );
  return `/** A client of \`uat serve\`. Made by generate-client.ts from the OpenAPI document: change that, not this file. */

${interfaces.join("\n")}
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

/** Asks a server by \`fetch\`, in Node and in browsers. Every method throws UatServerError for what is refused. */
export class UatClient {
  readonly #url: string;
  readonly #key: string | undefined;

  /** @param url e.g. \`http://127.0.0.1:8723\` */
  constructor(url: string, options: { readonly apiKey?: string | undefined } = {}) {
    this.#url = url.replace(/\\/+$/, "");
    this.#key = options.apiKey;
  }

${methods.join("\n")}
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
        ...(this.#key !== undefined && { authorization: \`Bearer \${this.#key}\` }),
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
      error?.message ?? \`HTTP status \${response.status}\`,
      retryAfter === null ? undefined : Number(retryAfter),
    );
  }
}
`;
}
