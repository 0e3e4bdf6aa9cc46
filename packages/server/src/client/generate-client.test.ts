import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openApi } from "../api/openapi.ts";
import { generateClient, typeOf } from "./generate-client.ts";

/** What the formatter may change: white space, the commas and bars it adds to lists and unions. */
const bare = (source: string) =>
  source
    .replace(/\s+/g, "")
    .replace(/,(?=[)\]}])/g, "")
    .replace(/:\|/g, ":");

test("client.ts is what the OpenAPI document makes of it", () => {
  const written = readFileSync(new URL("client.ts", import.meta.url), "utf8");
  expect(bare(written)).toBe(bare(generateClient(openApi())));
});

test("every $ref of the document leads somewhere", () => {
  const document = openApi();
  const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((m) => m[1] as string);
  expect(refs.length).toBeGreaterThan(10);
  for (const name of refs) expect(document.components.schemas, name).toHaveProperty(name);
});

test.each([
  [{ anyOf: [{ type: "string" }, { type: "array", items: { type: "integer" } }] }, "string | number[]"],
  [{ type: "array", items: { enum: ["a", "b"] } }, '("a" | "b")[]'],
  [{ type: "object", additionalProperties: { type: "number" } }, "Record<string, number>"],
  [{ type: "string", format: "binary" }, "Blob"],
])("%j is %s", (schema, type) => {
  expect(typeOf(schema)).toBe(type);
});
