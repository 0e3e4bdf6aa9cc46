/**
 * Models in a browser: each file is fetched once and whole, with progress, and kept in the browser's Cache API; the next
 * visit asks the server only whether it has changed. Reading a checkpoint tensor by tensor would take a request for each.
 * Files too long to be held in memory are read by ranges, neighbours together.
 */
import { type ByteSource, blobSource, checkRange, httpSource, memorySource } from "../../checkpoint/byte-source.ts";
import { CheckpointError } from "../../checkpoint/errors.ts";
import type { HubProgress } from "../../checkpoint/hub-progress.ts";
import { type ModelFiles, readText } from "../../checkpoint/model-files.ts";

/** Name of the cache in `globalThis.caches`. */
export const CACHE_NAME = "universal-audio-tokenizer";
/** Header of a kept answer: what the server called this version of the file. */
const VERSION = "x-version";
/** Longer files are read by ranges. */
const WHOLE_LIMIT = 256 * 2 ** 20;
const BLOCK = 8 * 2 ** 20;
const BLOCKS_HELD = 4;

export interface DownloadOptions {
  readonly progress?: ((progress: HubProgress) => void) | undefined;
  /** Where files are kept; none where pages are not loaded securely. */
  readonly cache?: Promise<Cache | undefined> | undefined;
}

/** What a server says of a file before it is fetched. */
interface Facts {
  readonly size: number | undefined;
  /** Changes when the file does; undefined when the server tells nothing of the kind. */
  readonly version: string | undefined;
}

/** The browser's cache of models, or undefined where it has none or refuses. */
export const modelCache = async (): Promise<Cache | undefined> =>
  globalThis.caches?.open(CACHE_NAME).catch(() => undefined);

/** Files below a URL, fetched whole and kept. */
export function downloadedFiles(base: string, { progress, cache = modelCache() }: DownloadOptions = {}): ModelFiles {
  const root = base.endsWith("/") ? base : `${base}/`;
  const address = (path: string) => new URL(path.split("/").map(encodeURIComponent).join("/"), root).href;
  const asked = new Map<string, Promise<Facts | "missing" | "unreachable">>();
  const factsOf = (path: string) => {
    const known = asked.get(path) ?? head(address(path));
    asked.set(path, known);
    return known;
  };
  const kept = async (path: string): Promise<Response | undefined> =>
    (await cache)?.match(address(path)).catch(() => undefined);
  const open = async (path: string): Promise<ByteSource> => {
    const url = address(path);
    const facts = await factsOf(path);
    const before = await kept(path);
    // without a network, what was kept is all there is
    if (before && (facts === "unreachable" || (facts !== "missing" && facts.version === before.headers.get(VERSION))))
      return blobSource(await before.blob(), url);
    const { size, version } = typeof facts === "string" ? { size: undefined, version: undefined } : facts;
    if (size !== undefined && size > WHOLE_LIMIT) return inBlocks(await httpSource(url));
    const told = { name: base, file: path };
    progress?.({ status: "initiate", ...told });
    progress?.({ status: "download", ...told });
    const bytes = await fetchWhole(url, (loaded, total) =>
      progress?.({ status: "progress", ...told, loaded, total, progress: total ? (100 * loaded) / total : 0 }),
    );
    progress?.({ status: "done", ...told });
    if (version !== undefined && (size === undefined || size === bytes.length)) {
      const answer = new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { [VERSION]: version } });
      // a full disk or a private window: it works without
      await (await cache)?.put(url, answer).catch(() => undefined);
    }
    return memorySource(bytes, url);
  };
  return {
    source: base,
    async exists(path) {
      const facts = await factsOf(path);
      if (facts !== "unreachable") return facts !== "missing";
      if (await kept(path)) return true;
      // nothing of this model was kept: say so instead of `no such file`
      if (!(await anythingKept(await cache, root)))
        throw new CheckpointError(`${address(path)}: cannot be reached; check the network and try again`);
      return false;
    },
    open,
    text: async (path) => readText(await open(path)),
  };
}

async function anythingKept(cache: Cache | undefined, root: string): Promise<boolean> {
  return ((await cache?.keys()) ?? []).some(({ url }) => url.startsWith(root));
}

async function head(url: string): Promise<Facts | "missing" | "unreachable"> {
  let response: Response;
  try {
    response = await fetch(url, { method: "HEAD" });
  } catch {
    return "unreachable";
  }
  if (!response.ok) return "missing";
  const encoded = response.headers.get("content-encoding") ?? "identity";
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  return {
    // a compressed answer tells the length of what is sent
    size: encoded === "identity" && Number.isSafeInteger(length) ? length : undefined,
    version: response.headers.get("etag")?.replace(/^W\//, "") ?? response.headers.get("last-modified") ?? undefined,
  };
}

/** A whole file. @throws CheckpointError when the server refuses, breaks off or sends less than it said. */
async function fetchWhole(url: string, onBytes: (loaded: number, total: number) => void): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new CheckpointError(`${url}: cannot be reached (${(cause as Error).message})`, { cause });
  }
  if (!response.ok) throw new CheckpointError(`${url}: the server answered ${response.status} ${response.statusText}`);
  const encoded = response.headers.has("content-encoding");
  const total = encoded ? 0 : Number(response.headers.get("content-length") ?? 0);
  const parts: Uint8Array[] = [];
  let loaded = 0;
  try {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      loaded += value.length;
      onBytes(loaded, total);
    }
  } catch (cause) {
    throw new CheckpointError(`${url}: the connection broke off (${(cause as Error).message})`, { cause });
  }
  if (total > 0 && loaded !== total)
    throw new CheckpointError(`${url}: ${loaded} of ${total} bytes came; the connection broke off, try again`);
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A source that fetches neighbouring ranges together: whole blocks, of which the last few are held. */
export function inBlocks(source: ByteSource, block = BLOCK): ByteSource {
  const held = new Map<number, Promise<Uint8Array>>();
  const blockAt = (index: number): Promise<Uint8Array> => {
    const start = index * block;
    const bytes = held.get(index) ?? source.read(start, Math.min(block, source.size - start));
    held.delete(index);
    held.set(index, bytes);
    for (const oldest of held.keys()) if (held.size > BLOCKS_HELD) held.delete(oldest);
    // a failed one is asked for again
    bytes.catch(() => held.delete(index));
    return bytes;
  };
  return {
    size: source.size,
    name: source.name,
    async read(offset, length) {
      checkRange(source, offset, length);
      if (length >= block) return source.read(offset, length);
      const [first, last] = [Math.floor(offset / block), Math.floor((offset + Math.max(0, length - 1)) / block)];
      if (length === 0) return new Uint8Array(0);
      const start = offset - first * block;
      const head = await blockAt(first);
      if (first === last) return head.slice(start, start + length);
      const bytes = new Uint8Array(length);
      bytes.set(head.subarray(start));
      bytes.set((await blockAt(last)).subarray(0, length - (head.length - start)), head.length - start);
      return bytes;
    },
    close: () => source.close(),
  };
}
