/** Goldens for unit tests. */
import { readFileSync } from "node:fs";
import { npyNumbers, readNpy } from "universal-audio-tokenizer/internal";

const folder = new URL("../../../tests/fixtures/", import.meta.url);

export const fixturePath = (name: string): string => new URL(name, folder).pathname;

export const fixtureJson = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as T;

/** A .npy file as float32. */
export function fixtureValues(name: string): { data: Float32Array; shape: number[] } {
  const array = readNpy(readFileSync(new URL(name, folder)));
  return { data: Float32Array.from(npyNumbers(array)), shape: [...array.shape] };
}
