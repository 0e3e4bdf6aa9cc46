/**
 * Requests made from the OpenAPI document, as Schemathesis would: what its schemas allow, and the same with one thing
 * wrong. Whatever comes, the answer is one that the document tells, in the shape it tells, and never an error of ours.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { encodeWav } from "../../packages/codec/src/index.ts";
import { type JsonSchema, type OpenApi, openApi } from "../../packages/server/src/api/openapi.ts";
import { OPERATIONS } from "../../packages/server/src/api/operations.ts";
import { errorResponse } from "../../packages/server/src/api/schemas.ts";
import { type LogLine, noise, smallServer } from "./small-server.ts";

let url: string;
let log: LogLine[];
let stop: () => Promise<void>;
let document: OpenApi;
beforeAll(async () => {
  ({ url, log, stop } = await smallServer({ limits: { maxTokens: 60, maxSeconds: 5, idleTimeout: 2 } }));
  document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
});
afterAll(() => stop());

const CLIP = Buffer.from(encodeWav([noise(0.2)], 16_000));

interface Rules extends JsonSchema {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

/** Values that a schema allows; texts are often a whole file in base64, numbers often valid codes. */
function valid(schema: Rules): fc.Arbitrary<unknown> {
  if (schema.$ref) return valid(document.components.schemas[schema.$ref.split("/").at(-1)!]!);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return fc.oneof(...either.map(valid));
  switch (schema.type) {
    case "object": {
      const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, valid(field)] as const);
      const options = { requiredKeys: [...(schema.required ?? [])] };
      return fc.record(Object.fromEntries(fields), options);
    }
    case "array": {
      const size = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 4, 4) };
      return fc.array(valid(schema.items ?? {}), size);
    }
    case "integer": {
      const range = {
        min: Math.max(schema.minimum ?? -5, -(2 ** 53) + 1),
        max: Math.min(schema.maximum ?? 520, 2 ** 53 - 1),
      };
      return fc.integer({ min: range.min, max: Math.min(range.max, range.min + 600) });
    }
    case "number":
      return fc.double({ min: schema.minimum ?? -10, max: schema.maximum ?? 10, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "string":
      if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern));
      if (schema.format === "binary") return fc.constant(CLIP);
      return fc.oneof(fc.constant(CLIP.toString("base64")), fc.base64String(), fc.string({ maxLength: 20 }));
    default:
      return fc.jsonValue();
  }
}

/** The same with a field left out, added, or of another kind. */
function spoiled(schema: Rules): fc.Arbitrary<unknown> {
  const wrong = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.integer(),
    fc.constantFrom("__proto__", 1e308, -0, "\0", []),
  );
  return fc
    .tuple(valid(schema), fc.nat(), fc.constantFrom("drop", "add", "change"), fc.string(), wrong)
    .map(([value, at, how, name, other]) => {
      const copy = { ...(value as Record<string, unknown>) };
      const names = Object.keys(copy);
      const chosen = names[at % Math.max(1, names.length)] ?? "audio";
      if (how === "drop") delete copy[chosen];
      else copy[how === "add" ? name : chosen] = other;
      return copy;
    });
}

function formOf(value: unknown): FormData {
  const form = new FormData();
  for (const [name, entry] of Object.entries(value as Record<string, unknown>))
    for (const one of Array.isArray(entry) ? entry : [entry])
      if (one instanceof Uint8Array) form.append(name, new Blob([Uint8Array.from(one)]), "clip");
      else form.append(name, typeof one === "string" ? one : (JSON.stringify(one) ?? ""));
  return form;
}

/** Checks an answer against what the document tells of the operation. */
async function checkAnswer(response: Response, path: string, method: string): Promise<void> {
  const operation = document.paths[path]![method]!;
  const told = operation.responses[String(response.status)];
  expect(told, `${method} ${path}: status ${response.status} is not documented`).toBeDefined();
  const type = response.headers.get("content-type")!.split(";")[0]!;
  expect(Object.keys(told!.content)).toContain(type);
  if (type !== "application/json") return void (await response.arrayBuffer());
  const body = await response.json();
  const { answer } = OPERATIONS.find((o) => o.path === path && o.method === method)!;
  const alike = "name" in answer && answer.schema.safeParse(body).success;
  if (response.ok || !errorResponse.safeParse(body).success) return expect(alike).toBe(true);
  const { error } = errorResponse.parse(body);
  expect(error.message).toMatch(/^[^\n\r]{5,}$/);
}

test("the document that is served is the one the server is made of", () => {
  expect(document).toEqual(JSON.parse(JSON.stringify(openApi())));
});

const bodies = OPERATIONS.flatMap(({ method, path, body }) =>
  Object.entries(body ?? {}).map(([media, { name }]) => [media, method, path, name] as const),
);

test.each(bodies)("%s, %s %s", async (media, method, path, name) => {
  const schema = document.components.schemas[name]!;
  const property = fc.asyncProperty(fc.oneof(valid(schema), spoiled(schema)), async (value) => {
    const isForm = media === "multipart/form-data";
    const response = await fetch(url + path, {
      method: method.toUpperCase(),
      ...(isForm ? { body: formOf(value) } : { body: JSON.stringify(value), headers: { "content-type": media } }),
    });
    await checkAnswer(response, path, method);
  });
  await fc.assert(property, { numRuns: 120, seed: 22 });
});

test("what takes no body answers the same whatever query, header or body comes", async () => {
  const asked = OPERATIONS.filter((o) => o.method === "get");
  const property = fc.asyncProperty(
    fc.constantFrom(...asked),
    fc.webQueryParameters(),
    fc.base64String(),
    async (o, query, text) => {
      const headers = { accept: text || "*/*", "x-api-key": text, range: "bytes=5-1" };
      const response = await fetch(`${url}${o.path}?${query}`, { headers });
      expect(response.status).toBe(200);
      await checkAnswer(response, o.path, o.method);
    },
  );
  await fc.assert(property, { numRuns: 60, seed: 23 });
});

test("methods that are not documented are refused", async () => {
  for (const path of Object.keys(document.paths))
    for (const method of ["PUT", "DELETE", "PATCH", document.paths[path]!.get ? "POST" : "GET"]) {
      const response = await fetch(url + path, { method });
      expect([404, 405], `${method} ${path}`).toContain(response.status);
      expect(errorResponse.safeParse(await response.json()).success).toBe(true);
    }
});

test("whatever a WebSocket is sent, it is told why and closed as the table of codes says", async () => {
  const start = fc.record(
    {
      type: fc.constantFrom("start", "tokens", "end", "begin"),
      sample_rate: fc.oneof(fc.constant(16_000), fc.integer(), fc.string()),
      format: fc.constantFrom("s16", "f32", "u8"),
      codes: fc.oneof(fc.array(fc.integer({ min: -2, max: 600 })), fc.jsonValue()),
    },
    { requiredKeys: ["type"] },
  );
  const message = fc.oneof(
    start.map((value) => JSON.stringify(value)),
    fc.constant(JSON.stringify({ type: "start", sample_rate: 16_000 })),
    fc.constant(JSON.stringify({ type: "start" })),
    fc.string(),
    fc.uint8Array({ maxLength: 400 }),
  );
  const path = fc.constantFrom("/v1/audio/tokens/live", "/v1/audio/decode/live");
  const property = fc.asyncProperty(
    path,
    fc.array(message, { minLength: 1, maxLength: 6 }),
    async (where, messages) => {
      const socket = new WebSocket(url.replace("http", "ws") + where, ["uat"]);
      const answers: { type: string }[] = [];
      socket.on("message", (data: Buffer, binary) => {
        if (!binary) answers.push(JSON.parse(String(data)));
      });
      const code = await new Promise<number>((resolve, reject) => {
        socket.on("error", reject);
        socket.on("close", resolve);
        socket.on("open", () => {
          for (const one of messages) socket.send(one);
          socket.send(JSON.stringify({ type: "end" }));
          // an end that comes first is no start
          socket.send(JSON.stringify({ type: "end" }));
        });
      });
      expect([1000, 1008, 1009]).toContain(code);
      const last = answers.at(-1);
      if (code === 1000) expect(last?.type).toBe("done");
      else expect(errorResponse.safeParse(last).success).toBe(true);
    },
  );
  await fc.assert(property, { numRuns: 60, seed: 24 });
});

test("no error of our own was logged", async () => {
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(log.filter((line) => line.level === "error" || line.status === 500 || line.code === "internal")).toEqual([]);
});
