/** SHA-256 of files, text and values: what pins sources, skips finished stages and makes every choice reproducible. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** Hex SHA-256 of a file, read as a stream. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Hex SHA-256 of text or bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A number in [0, 1) that depends on the text alone: splits and orders made with it never change between runs. */
export function unitHash(text: string): number {
  return Number.parseInt(sha256(text).slice(0, 12), 16) / 2 ** 48;
}

/** The items in an order that depends only on their keys and the salt. */
export function hashOrder<T>(items: readonly T[], salt: string, key: (item: T) => string): T[] {
  const keyed = items.map((item) => ({ item, order: sha256(`${salt}:${key(item)}`) }));
  return keyed.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0)).map((k) => k.item);
}
