import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StaticFiles } from "./static-files.ts";

let folder: string;
let server: ReturnType<typeof createServer>;
let origin: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "static-"));
  for (const [path, text] of Object.entries({
    "page/index.html": "page",
    "page/assets/app-abcdefgh.js": "app",
    "page/models/base/own.txt": "the page's own",
    "model/weights.bin": "weights",
    "secret.txt": "secret",
  })) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  symlinkSync(join(folder, "secret.txt"), join(folder, "model/link.txt"));
  const files = await StaticFiles.open(join(folder, "page"), { "/models/base/": join(folder, "model") });
  server = createServer(async (request, response) => {
    if (!(await files.send(request, response, request.url as string))) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const body = async (path: string) => {
  const response = await fetch(origin + path);
  return response.ok ? response.text() : response.status;
};

test("a folder mounted below the page's comes before it", async () => {
  expect(await body("/")).toBe("page");
  expect(await body("/models/base/weights.bin")).toBe("weights");
  expect(await body("/models/base/own.txt")).toBe(404);
  expect(await body("/weights.bin")).toBe(404);
});

test("nothing outside a mounted folder is sent", async () => {
  for (const path of ["/models/base/..%2fsecret.txt", "/models/base/%2e%2e/secret.txt", "/models/base/link.txt"])
    expect(await body(path), path).toBe(404);
});

test("only names with a hash are kept without asking", async () => {
  const kept = async (path: string) => (await fetch(origin + path)).headers.get("cache-control");
  expect(await kept("/assets/app-abcdefgh.js")).toContain("immutable");
  expect(await kept("/models/base/weights.bin")).toBe("no-cache");
  expect(await kept("/")).toBe("no-cache");
});

test("a folder that is not there is an error", () =>
  expect(StaticFiles.open(folder, { "/x/": join(folder, "none") })).rejects.toThrow("not a folder that can be read"));
