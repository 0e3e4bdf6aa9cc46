/**
 * Pages for tests: an entry file is bundled as a browser would get it, served from this machine with the headers that
 * isolate a page (SharedArrayBuffer needs them), and opened in headless Chromium.
 *
 * ```ts
 * const { page, close } = await startPage(new URL("page.ts", import.meta.url), {
 *   staticDirs: { "/fixtures/": new URL("../fixtures/", import.meta.url) },
 * });
 * const tokens = await page.evaluate(() => globalThis.tokenize("/fixtures/audio/speech16k.wav"));
 * ```
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const runtimeFiles = new URL("../../node_modules/onnxruntime-web/dist/", import.meta.url);

export interface PageOptions {
  /** Folders to serve, by the path they appear under (`/fixtures/`). onnxruntime-web is always at `/ort/`. */
  readonly staticDirs?: Readonly<Record<string, URL>>;
  /** More command line flags of Chromium. */
  readonly flags?: readonly string[];
}

export interface StartedPage {
  readonly page: Page;
  readonly origin: string;
  /** Errors that nothing in the page caught, and lines it wrote to console.error. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".wav": "audio/wav",
};

const HTML = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>test</title>
<script type="module" src="/page.js"></script>`;

/** One ES module for browsers. Fails when anything reachable from the entry imports a module of Node. */
export async function bundlePage(entry: URL): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(entry)],
    absWorkingDir: repository,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    // package.json `exports` and `imports`: sources of the workspace, browser side of `#backend` and its like
    conditions: ["source", "browser"],
    // the runtime stays as published: it finds its WebAssembly beside itself
    external: ["/ort/*"],
    alias: {
      "onnxruntime-web/wasm": "/ort/ort.wasm.bundle.min.mjs",
      "onnxruntime-web/webgpu": "/ort/ort.webgpu.bundle.min.mjs",
    },
    sourcemap: "inline",
    write: false,
    logLevel: "silent",
  });
  return result.outputFiles[0]?.text as string;
}

async function sendFile(response: ServerResponse, path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "content-length": info.size,
  });
  createReadStream(path)
    .on("error", () => response.destroy())
    .pipe(response);
}

/** Serves the bundle and the folders on a free port of the loopback address. */
async function serve(script: string, folders: Readonly<Record<string, URL>>) {
  const server = createServer((request, response) => {
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    const send = (type: string, body: string) => response.writeHead(200, { "content-type": type }).end(body);
    if (path === "/") return send(TYPES[".html"] as string, HTML);
    if (path === "/page.js") return send(TYPES[".js"] as string, script);
    const [prefix, folder] = Object.entries(folders).find(([p]) => path.startsWith(p)) ?? [];
    if (prefix === undefined || folder === undefined) return response.writeHead(404).end();
    return sendFile(response, join(fileURLToPath(folder), path.slice(prefix.length)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Bundles `entry`, opens it and waits until the page's script has run (top-level awaits included). */
export async function startPage(entry: URL, options: PageOptions = {}): Promise<StartedPage> {
  const script = await bundlePage(entry);
  const server = await serve(`${script}\nglobalThis.pageIsReady = true;\n`, {
    "/ort/": runtimeFiles,
    ...options.staticDirs,
  });
  const browser = await launchChromium(options.flags).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    const failed = new Promise<never>((_, reject) => {
      page.on("pageerror", (error) => {
        errors.push(error.message);
        reject(error);
      });
    });
    failed.catch(() => undefined);
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(server.origin);
    await Promise.race([
      page.waitForFunction("globalThis.pageIsReady === true", undefined, { timeout: 60_000 }),
      failed,
    ]);
    return { page, origin: server.origin, errors, close };
  } catch (error) {
    await close();
    throw error;
  }
}
