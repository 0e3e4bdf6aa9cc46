/** What the library needs of Node: local files. */
import { fileURLToPath } from "node:url";
import type { ByteSource } from "@uat/audio";
import { httpSource } from "../checkpoint/byte-source.ts";
import { fileSource } from "../checkpoint/node/file-source.ts";

export { openModel } from "./node/models.ts";

/** A path, a file: URL or an http(s) URL as a source of bytes. */
export async function openPath(path: string | URL): Promise<ByteSource> {
  const text = String(path);
  if (/^https?:\/\//.test(text)) return httpSource(text);
  return fileSource(text.startsWith("file:") ? fileURLToPath(text) : text);
}
