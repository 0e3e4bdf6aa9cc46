/**
 * Scale factor bands: where the spectrum is cut into bands that share one step size (ISO/IEC 14496-3, subpart 4,
 * for frames of 1024), and how many of them temporal noise shaping may touch.
 */

// Widths of bands, each with how often it follows.
const LONG_96 = "4*14 8*5 12*5 16*2 24 28 36 44 64*11";
const LONG_64 = "4*14 8*4 12*3 16*3 20 24*2 28 36 40*18";
const LONG_48 = "4*10 8*7 12*4 16*2 20*2 24*2 28*2 32*19 96";
const LONG_32 = "4*10 8*7 12*4 16*2 20*2 24*2 28*2 32*22";
const LONG_24 = "4*11 8*10 12*4 16*3 20*2 24*2 28*2 32 36*2 40 44 48 52*2 64*5";
const LONG_16 = "8*11 12*9 16*4 20*3 24*2 28*2 32 36 40*2 44 48 52 56 60 64*3";
const LONG_8 = "12*13 16*7 20*4 24*3 28*2 32 36*2 40 44 48 52 56 60 64 80";
const SHORT_96 = "4*6 8*3 16 28 36";
const SHORT_48 = "4*5 8*3 12*3 16*3";
const SHORT_24 = "4*7 8*3 12*2 16*2 20";
const SHORT_16 = "4*8 8*2 12*2 16 20*2";
const SHORT_8 = "4*7 8*4 12 16 20*2";

/** From the lowest rate of a row upwards: long bands, short bands, limits of noise shaping in each. */
const ROWS: readonly (readonly [
  lowestRate: number,
  long: string,
  short: string,
  longLimit: number,
  shortLimit: number,
])[] = [
  [75132, LONG_96, SHORT_96, 31, 9],
  [55426, LONG_64, SHORT_96, 34, 10],
  [46009, LONG_48, SHORT_48, 40, 14],
  [37566, LONG_48, SHORT_48, 42, 14],
  [27713, LONG_32, SHORT_48, 51, 14],
  [18783, LONG_24, SHORT_24, 46, 14],
  [9391, LONG_16, SHORT_16, 42, 14],
  [0, LONG_8, SHORT_8, 39, 14],
];

/** Bands of one kind of window. */
export interface Bands {
  /** Where each band begins; the last number is the window's length. */
  offsets: readonly number[];
  /** Bands below this one may be shaped. */
  shapingLimit: number;
}

function bands(widths: string, shapingLimit: number): Bands {
  const offsets = [0];
  for (const run of widths.split(" ")) {
    const [width, times = 1] = run.split("*").map(Number) as [number, number?];
    for (let i = 0; i < times; i++) offsets.push(offsets.at(-1)! + width);
  }
  return { offsets, shapingLimit };
}

/** The bands at a sample rate. */
export function bandsAt(sampleRate: number): { long: Bands; short: Bands } {
  const [, long, short, longLimit, shortLimit] = ROWS.find(([lowest]) => sampleRate >= lowest)!;
  return { long: bands(long, longLimit), short: bands(short, shortLimit) };
}
