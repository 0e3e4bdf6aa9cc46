/** Which weights were measured: the hashes of a model's files. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openModel } from "universal-audio-tokenizer/internal";
import type { ModelFacts } from "../../report/report.ts";

/**
 * SHA-256 of every file in `tokenizer/`, `decoder/` and `reader/` (or in the directory itself, where it is one of these),
 * and of the list of them. What a training run keeps beside them does not count.
 * @param name `base`, a directory, or a hub id, as {@link openModel} takes it.
 */
export async function modelDigest(name: string, options: Parameters<typeof openModel>[1] = {}): Promise<ModelFacts> {
  const { source } = await openModel(name, options);
  const parts = (await readdir(source, { withFileTypes: true })).map((entry) => entry.name);
  const folders = ["decoder", "reader", "tokenizer"].filter((part) => parts.includes(part));
  const files: { path: string; sha256: string }[] = [];
  for (const folder of folders.length > 0 ? folders : [""])
    for (const entry of (await readdir(join(source, folder), { withFileTypes: true })).sort(byName)) {
      if (entry.isDirectory() || entry.name.startsWith(".")) continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      files.push({ path, sha256: await sha256OfFile(join(source, path)) });
    }
  return { name, sha256: listDigest(files.map(({ path, sha256 }) => ({ name: path, hash: sha256 }))), files };
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

/** SHA-256 of a list as `sha256sum` prints it, sorted by name. */
export function listDigest(files: readonly { readonly name: string; readonly hash: string }[]): string {
  const digest = createHash("sha256");
  for (const { name, hash } of [...files].sort(byName)) digest.update(`${hash}  ${name}\n`);
  return digest.digest("hex");
}

/** Lower-case hexadecimal. @throws the system's error when the file cannot be read. */
export async function sha256OfFile(path: string): Promise<string> {
  const digest = createHash("sha256");
  for await (const part of createReadStream(path)) digest.update(part as Buffer);
  return digest.digest("hex");
}
