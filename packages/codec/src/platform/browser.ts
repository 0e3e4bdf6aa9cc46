/** What the library needs of a browser: files come by URL. */
import type { ByteSource } from "@uat/audio";
import { httpSource } from "../checkpoint/byte-source.ts";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { downloadedFiles } from "./browser/downloads.ts";
import type { OpenModelOptions } from "./model-options.ts";

/** A URL, absolute or relative to the page, as a source of bytes. */
export const openPath = (path: string | URL): Promise<ByteSource> => httpSource(new URL(path, location.href).href);

/** A model below a URL (`/models/base/`), or a hub id (`org/name`). */
export async function openModel(
  idOrUrl: string,
  { revision = "main", progress_callback: progress }: OpenModelOptions = {},
): Promise<ModelFiles> {
  const url = /^[\w.-]+\/[\w.-]+$/.test(idOrUrl)
    ? `https://huggingface.co/${idOrUrl}/resolve/${encodeURIComponent(revision)}/`
    : new URL(idOrUrl, location.href).href;
  return downloadedFiles(url, { progress });
}
