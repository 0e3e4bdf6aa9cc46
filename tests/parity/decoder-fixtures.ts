/** What the decoder's parity tests share: the fixtures of tests/fixtures/decoders and how results are compared. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { directoryFiles } from "../../packages/codec/src/checkpoint/node/file-source.ts";
import { loadNpy } from "../npy.ts";

export const root = fileURLToPath(new URL("../fixtures/decoders/", import.meta.url));

export const variants = readdirSync(root).filter((name) => existsSync(`${root}${name}/expected.json`));

export interface DecoderCase {
  readonly variant: string;
  readonly name: string;
  has(array: string): boolean;
  golden(array: string): { shape: number[]; data: Float32Array };
}

function casesIn(folder: "cases" | "stream"): DecoderCase[] {
  return variants.flatMap((variant) =>
    readdirSync(`${root}${variant}/${folder}`).map((name) => {
      const path = (array: string) => `${root}${variant}/${folder}/${name}/${array}.npy`;
      return { variant, name, has: (a: string) => existsSync(path(a)), golden: (a: string) => loadNpy(path(a)) };
    }),
  );
}

export const cases = casesIn("cases");
export const streams = casesIn("stream");

export const checkpoint = (variant: string) => directoryFiles(`${root}${variant}/checkpoint`);

export const readJson = (path: string) => JSON.parse(readFileSync(`${root}${path}`, "utf8"));

export const tokensOf = (c: DecoderCase, name = "tokens") => Int32Array.from(c.golden(name).data);

export function worstDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i] as number) - (want[i] as number));
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

/** Signal to error ratio in dB. */
export function signalToNoise(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let signal = 0;
  let error = 0;
  for (let i = 0; i < want.length; i++) {
    signal += (want[i] as number) ** 2;
    error += ((got[i] as number) - (want[i] as number)) ** 2;
  }
  return 10 * Math.log10(signal / error);
}

const worstSeen = new Map<string, number>();

/** Expects values within `tolerance` of the golden ones; UAT_REPORT=1 prints the worst of each quantity at the end. */
export function expectClose(quantity: string, got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number) {
  const worst = worstDifference(got, want);
  worstSeen.set(quantity, Math.max(worst, worstSeen.get(quantity) ?? 0));
  expect(worst, quantity).toBeLessThanOrEqual(tolerance);
}

export function report(): void {
  if (process.env.UAT_REPORT) for (const [q, w] of worstSeen) console.log(q.padEnd(20), w.toExponential(2));
}
