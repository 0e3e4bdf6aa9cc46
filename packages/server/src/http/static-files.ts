/**
 * A folder's files at `/`: the playground, or any other page that speaks to this server. Further folders may lie below it
 * (`/models/base/`), so that what the package holds once already need not be copied into the page.
 */
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { ServerError } from "../errors.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".wasm": "application/wasm",
  ".onnx": "application/octet-stream",
  ".safetensors": "application/octet-stream",
  ".wav": "audio/wav",
  ".flac": "audio/flac",
  ".mp3": "audio/mpeg",
  ".ogg": "audio/ogg",
  ".woff2": "font/woff2",
};

/** Threads of WebAssembly need a page that no other page can reach into. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
} as const;

export class StaticFiles {
  /** Real folders by the path they appear under, the root last. */
  readonly #folders: readonly (readonly [prefix: string, folder: string])[];

  private constructor(folders: readonly (readonly [prefix: string, folder: string])[]) {
    this.#folders = folders;
  }

  /**
   * @param mounts further folders by the path they appear under, e.g. `/models/base/`.
   * @throws ServerError where there is no such folder.
   */
  static async open(folder: string, mounts: Readonly<Record<string, string>> = {}): Promise<StaticFiles> {
    const folders: [string, string][] = [];
    for (const [prefix, path] of [...Object.entries(mounts), ["/", folder] as const])
      folders.push([prefix, await realFolder(path)]);
    return new StaticFiles(folders);
  }

  /** Sends the file a path names. @returns false where there is none. */
  async send(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    const file = await this.#find(path);
    if (!file) return false;
    const etag = `"${file.size.toString(36)}-${Math.floor(file.mtimeMs).toString(36)}"`;
    const headers = {
      ...ISOLATED,
      etag,
      // Vite puts what has a hash in its name there: it never changes
      "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    };
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, headers);
      response.end();
      return true;
    }
    response.writeHead(200, {
      ...headers,
      "content-type": TYPES[extname(file.path).toLowerCase()] ?? "application/octet-stream",
      "content-length": String(file.size),
    });
    if (request.method === "HEAD") response.end();
    // a client that leaves midway has ended the answer itself
    else await pipeline(createReadStream(file.path), response).catch(() => response.destroy());
    return true;
  }

  /** A regular file inside the folder, links resolved; hidden names are nobody's business. */
  async #find(path: string): Promise<{ path: string; size: number; mtimeMs: number } | undefined> {
    try {
      const name = decodeURIComponent(path);
      if (name.includes("\0") || name.split(/[\\/]/).some((part) => part.startsWith("."))) return undefined;
      const [prefix, root] = this.#folders.find(([p]) => name.startsWith(p)) as readonly [string, string];
      const inside = name.slice(prefix.length);
      const found = await realpath(join(root, inside === "" || inside.endsWith("/") ? `${inside}index.html` : inside));
      if (!found.startsWith(root + sep)) return undefined;
      const facts = await stat(found);
      return facts.isFile() ? { path: found, size: facts.size, mtimeMs: facts.mtimeMs } : undefined;
    } catch {
      return undefined;
    }
  }
}

async function realFolder(folder: string): Promise<string> {
  try {
    const root = await realpath(folder);
    if ((await stat(root)).isDirectory()) return root;
  } catch {
    // told below
  }
  throw new ServerError(`${folder}: not a folder that can be read; expected one with index.html`);
}
