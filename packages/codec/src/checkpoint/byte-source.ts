import { CheckpointError } from "./errors.ts";

/** Random access to the bytes of one file, wherever it lies: memory, disk, a browser's File, a web server. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** For messages: a file name, path or URL. */
  readonly name: string;
  /** Set when the bytes lie in a local file, so that a runtime can map them into memory. */
  readonly path?: string;
  /**
   * Bytes `offset … offset + length`, all of them. The array may share memory with the source: do not write to it.
   * @throws CheckpointError when the range does not lie inside the file or the file cannot be read.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Frees handles. Reading afterwards is an error. */
  close(): Promise<void>;
}

/** @throws CheckpointError when `offset … offset + length` does not lie in `source`. Call before allocating `length`. */
export function checkRange(source: { size: number; name: string }, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > source.size
  )
    throw new CheckpointError(
      `${source.name}: bytes ${offset} to ${offset + length} were asked for, but the file has ${source.size}; it is cut short or corrupt`,
    );
}

/** Runs `open`; closes the source when it throws, so that a refused file leaves no handle behind. */
export async function closingOnError<T>(source: ByteSource, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** A source over bytes in memory; `read` returns views, not copies. */
export function memorySource(bytes: Uint8Array, name = "bytes in memory"): ByteSource {
  return {
    size: bytes.byteLength,
    name,
    async read(offset, length) {
      checkRange(this, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    async close() {},
  };
}

/** A source over a Blob or a browser's File; only the ranges asked for are read. */
export function blobSource(blob: Blob, name = (blob as { name?: string }).name ?? "blob"): ByteSource {
  return {
    size: blob.size,
    name,
    async read(offset, length) {
      checkRange(this, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new CheckpointError(`${name}: cannot be read (${(cause as Error).message})`, { cause });
      }
    },
    async close() {},
  };
}

/** How to reach a web server. */
export interface HttpOptions {
  readonly fetch?: typeof fetch;
  readonly headers?: Record<string, string>;
}

/**
 * A source over a URL. Ranges are fetched as they are asked for; a server that does not know ranges is downloaded once,
 * into memory.
 * @throws CheckpointError when the server cannot be reached or answers with an error status.
 */
export async function httpSource(url: string, options: HttpOptions = {}): Promise<ByteSource> {
  const get = async (headers: Record<string, string>): Promise<Response> => {
    let response: Response;
    try {
      response = await (options.fetch ?? fetch)(url, { headers: { ...options.headers, ...headers } });
    } catch (cause) {
      throw new CheckpointError(`${url}: cannot be reached (${(cause as Error).message})`, { cause });
    }
    if (!response.ok)
      throw new CheckpointError(`${url}: the server answered ${response.status} ${response.statusText}`);
    return response;
  };
  const body = async (response: Response): Promise<Uint8Array> => {
    try {
      return new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      throw new CheckpointError(`${url}: the connection broke off (${(cause as Error).message})`, { cause });
    }
  };
  const first = await get({ range: "bytes=0-0" });
  const total = Number(first.headers.get("content-range")?.split("/")[1] ?? Number.NaN);
  if (first.status !== 206 || !Number.isSafeInteger(total)) return memorySource(await body(first), url);
  await first.body?.cancel();
  return {
    size: total,
    name: url,
    async read(offset, length) {
      checkRange({ size: total, name: url }, offset, length);
      if (length === 0) return new Uint8Array(0);
      const response = await get({ range: `bytes=${offset}-${offset + length - 1}` });
      const bytes = await body(response);
      if (response.status !== 206 || bytes.byteLength !== length)
        throw new CheckpointError(`${url}: asked for ${length} bytes, the server sent ${bytes.byteLength}`);
      return bytes;
    },
    async close() {},
  };
}
