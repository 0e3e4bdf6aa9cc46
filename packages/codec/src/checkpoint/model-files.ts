import { type ByteSource, type HttpOptions, httpSource, memorySource } from "./byte-source.ts";
import { CheckpointError } from "./errors.ts";

/** The files of one model: a directory on disk, below a URL, or in memory. Paths are relative, with forward slashes. */
export interface ModelFiles {
  /** For messages: the directory or base URL. */
  readonly source: string;
  exists(path: string): Promise<boolean>;
  /** @throws CheckpointError when the file does not exist or cannot be opened. */
  open(path: string): Promise<ByteSource>;
  /** The whole file as UTF-8 text. @throws CheckpointError also when it is not UTF-8 or longer than 64 MiB. */
  text(path: string): Promise<string>;
}

const MAX_TEXT_BYTES = 64 * 2 ** 20;

/** Reads a source to its end as UTF-8. @throws CheckpointError past 64 MiB (no configuration is that long) or when not UTF-8. */
export async function readText(source: ByteSource): Promise<string> {
  if (source.size > MAX_TEXT_BYTES)
    throw new CheckpointError(`${source.name}: ${source.size} bytes is too long for a text file (limit 64 MiB)`);
  const bytes = await source.read(0, source.size);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError(`${source.name}: is not UTF-8 text`, { cause });
  }
}

/** @returns the parsed JSON of a file. @throws CheckpointError naming the file when it is not JSON. */
export async function readJson(files: ModelFiles, path: string): Promise<unknown> {
  const text = await files.text(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`${path}: is not valid JSON (${(cause as Error).message})`, { cause });
  }
}

/** Files held in memory, by path. */
export function memoryFiles(contents: Record<string, Uint8Array | string>, source = "memory"): ModelFiles {
  const encoder = new TextEncoder();
  const open = async (path: string): Promise<ByteSource> => {
    if (!Object.hasOwn(contents, path)) throw new CheckpointError(`${source}: has no file ${path}`);
    const content = contents[path]!;
    return memorySource(typeof content === "string" ? encoder.encode(content) : content, path);
  };
  return {
    source,
    exists: async (path) => Object.hasOwn(contents, path),
    open,
    text: async (path) => readText(await open(path)),
  };
}

/**
 * Files below a URL, e.g. `https://host/models/base/`. `exists` asks the server with HEAD.
 * @param base the directory's URL, with or without a trailing slash.
 */
export function urlFiles(base: string, options: HttpOptions = {}): ModelFiles {
  const root = base.endsWith("/") ? base : `${base}/`;
  const address = (path: string): string => new URL(path.split("/").map(encodeURIComponent).join("/"), root).href;
  const open = (path: string): Promise<ByteSource> => httpSource(address(path), options);
  return {
    source: base,
    async exists(path) {
      try {
        const response = await (options.fetch ?? fetch)(address(path), {
          method: "HEAD",
          ...(options.headers ? { headers: options.headers } : {}),
        });
        return response.ok;
      } catch (cause) {
        throw new CheckpointError(`${address(path)}: cannot be reached (${(cause as Error).message})`, { cause });
      }
    },
    open,
    text: async (path) => readText(await open(path)),
  };
}
