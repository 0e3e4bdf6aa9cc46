/** Seeds of parts of a dataset: each depends on names alone, so that a scene comes out the same whatever ran before. */
import { createHash } from "node:crypto";
import { Random } from "../random.ts";

/** A generator for the thing named by `parts`; other names give unrelated numbers. */
export const seededBy = (...parts: readonly (string | number)[]): Random => new Random(seedOf(...parts));

/** A seed in [0, 2^32) for the thing named by `parts`. */
export const seedOf = (...parts: readonly (string | number)[]): number => digest(parts).readUInt32BE(0);

/** A number in [0, 1) that depends on the names alone: splits made with it never change. */
export const unitHash = (...parts: readonly (string | number)[]): number => digest(parts).readUIntBE(0, 6) / 2 ** 48;

const digest = (parts: readonly (string | number)[]): Buffer =>
  createHash("sha256").update(JSON.stringify(parts)).digest();

/** One of the items. */
export const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!;

/** The items in random order. */
export const shuffled = <T>(random: Random, items: readonly T[]): T[] =>
  Array.from(random.sample(items.length, items.length), (i) => items[i]!);

/** True with the given probability. */
export const chance = (random: Random, probability: number): boolean => random.uniform() < probability;

/** A whole number in [low, high]. */
export const between = (random: Random, [low, high]: readonly [number, number]): number =>
  low + random.below(high - low + 1);
