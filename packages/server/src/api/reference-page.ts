/** The OpenAPI document as a page for people: no script, nothing from elsewhere. */
import type { JsonSchema, OpenApi } from "./openapi.ts";

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);

/** A schema in a few words. */
function shortType(schema: JsonSchema): string {
  if (schema.$ref) return (schema.$ref.split("/").at(-1) as string).replace(/([a-z])([A-Z])/g, "$1 $2");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" or ");
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map(shortType).join(" or ");
  if (schema.items) return `list of ${shortType(schema.items)}`;
  if (schema.format === "binary") return "file";
  return schema.type ?? "anything";
}

function fieldRows(schema: JsonSchema, prefix = ""): string {
  return Object.entries(schema.properties ?? {})
    .map(([name, field]) => {
      const inner = field.properties ? field : field.items?.properties ? field.items : undefined;
      const path = `${prefix}${name}`;
      const facts = [
        shortType(field),
        schema.required?.includes(name) ? "" : "optional",
        field.default === undefined ? "" : `default ${JSON.stringify(field.default)}`,
      ].filter(Boolean);
      const row = `<tr><th scope="row"><code>${escaped(path)}</code></th><td>${escaped(facts.join(", "))}</td><td>${escaped(field.description ?? "")}</td></tr>`;
      return row + (inner ? fieldRows(inner, `${path}${field.items ? "[]" : ""}.`) : "");
    })
    .join("");
}

const table = (caption: string, schema: JsonSchema | undefined): string =>
  schema?.properties
    ? `<table><caption>${escaped(caption)}</caption><thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">meaning</th></tr></thead><tbody>${fieldRows(schema)}</tbody></table>`
    : "";

const SOCKETS = `<section><h2>WebSockets</h2>
<p>Messages are JSON texts; audio is binary, little-endian mono samples. A browser names its key by the subprotocols
<code>uat, uat-key.KEY</code>. An error comes as <code>{"type":"error","error":{"code":…,"message":…}}</code>, then the
socket closes.</p>
<h3><code>/v1/audio/tokens/live</code></h3>
<pre>→ {"type":"start","sample_rate":16000,"format":"s16","chunk":1,"look_ahead":0.5,"context":30}
← {"type":"ready","model":"base","frame_rate":25,"codebook_size":8192,"exact":false}
→ binary samples …
← {"type":"tokens","start":0,"duration":1,"codes":[…]}
→ {"type":"end"}
← {"type":"done","tokens":88,"duration":3.48}</pre>
<h3><code>/v1/audio/decode/live</code></h3>
<pre>→ {"type":"start","format":"s16","block_size":25}
← {"type":"ready","model":"base","sample_rate":22050,"format":"s16","channels":1}
→ {"type":"tokens","codes":[…]}
← binary samples …
→ {"type":"end"}
← {"type":"done","tokens":88,"samples":77568,"duration":3.52}</pre></section>`;

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:auto;padding:1rem}table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}
caption{text-align:left;font-weight:600}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884;font-weight:400}
pre{overflow:auto;padding:.75rem;border:1px solid #8884}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
section{margin-top:2rem}.table{overflow-x:auto}`;

/** The page. It needs `style-src 'unsafe-inline'` and nothing else. */
export function referencePage(document: OpenApi): string {
  const { schemas } = document.components;
  const named = (schema: JsonSchema | undefined) => schemas[schema?.$ref?.split("/").at(-1) ?? ""];
  const sections = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, requestBody, responses }]) => {
      const bodies = Object.entries(requestBody?.content ?? {}).map(([media, { schema }]) =>
        table(media, named(schema)),
      );
      const answers = Object.entries(responses["200"]?.content ?? {}).map(([media, { schema }]) =>
        named(schema) ? table(`Answer, ${media}`, named(schema)) : `<p>Answer: ${escaped(media)}</p>`,
      );
      const errors = Object.entries(responses)
        .filter(([status]) => status !== "200")
        .map(([status, { description }]) => `<tr><th scope="row">${status}</th><td>${escaped(description)}</td></tr>`);
      return `<section><h2>${method.toUpperCase()} <code>${escaped(path)}</code></h2><p>${escaped(summary)}</p><div class="table">${bodies.join("")}${answers.join("")}<table><caption>Other answers</caption><tbody>${errors.join("")}</tbody></table></div></section>`;
    }),
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(document.info.title)}: reference</title><style>${STYLE}</style></head><body><main><h1>${escaped(document.info.title)}</h1><p>${escaped(document.info.description.replace(" WebSockets are described at /docs.", ""))} Version ${escaped(document.info.version)}. The same for programs: <a href="/openapi.json">openapi.json</a>.</p>${sections.join("")}${SOCKETS}</main></body></html>`;
}
