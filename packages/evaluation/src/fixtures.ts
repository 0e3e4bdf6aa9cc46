/** Test helper: this package's reference values. */
import { readFileSync } from "node:fs";
import { readNpy } from "universal-audio-tokenizer/internal";

const url = (path: string) => new URL(`../../../tests/fixtures/${path}`, import.meta.url);

export const fixtureJson = <T>(path: string): T => JSON.parse(readFileSync(url(path), "utf8")) as T;

/** An array as plain numbers. */
export function fixtureArray(path: string): { readonly shape: readonly number[]; readonly data: number[] } {
  const { shape, data } = readNpy(new Uint8Array(readFileSync(url(path))), path);
  return { shape, data: Array.from(data as ArrayLike<number | bigint>, Number) };
}

export const fixturePath = (path: string): string => url(path).pathname;

/** Largest absolute difference; Infinity when the lengths differ. */
export const worstError = (got: ArrayLike<number>, want: ArrayLike<number>): number =>
  got.length !== want.length
    ? Number.POSITIVE_INFINITY
    : Array.from(got).reduce((worst, v, i) => Math.max(worst, Math.abs(v - (want[i] as number))), 0);
