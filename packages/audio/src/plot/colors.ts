/** Colours of loudness and of codes. */
import type { Color } from "./canvas.ts";

/** From silence to loud: black, violet, red, orange, pale yellow, even steps of lightness. */
const HEAT: readonly Color[] = [
  [2, 2, 10],
  [21, 14, 54],
  [59, 15, 112],
  [100, 26, 128],
  [140, 41, 129],
  [183, 55, 121],
  [222, 73, 104],
  [247, 112, 92],
  [254, 159, 109],
  [254, 207, 146],
  [252, 253, 191],
];

const STEPS = 256;
const TABLE: readonly Color[] = Array.from({ length: STEPS }, (_, i) => {
  const at = (i / (STEPS - 1)) * (HEAT.length - 1);
  const low = Math.min(HEAT.length - 2, Math.floor(at));
  const share = at - low;
  const mix = (c: number) => Math.round(HEAT[low]![c]! * (1 - share) + HEAT[low + 1]![c]! * share);
  return [mix(0), mix(1), mix(2)] as const;
});

/** The colour of a value from 0 (silence) to 1 (loudest). */
export const heat = (value: number): Color => TABLE[Math.max(0, Math.min(STEPS - 1, Math.round(value * (STEPS - 1))))]!;

/** A colour that is the same for a code wherever it stands; neighbouring ids look different. */
export function codeColor(code: number): Color {
  // steps of the golden ratio never come near an earlier hue for long
  const hue = (code * 0.618_033_988_75) % 1;
  const lightness = 0.46 + 0.2 * ((code * 0.754_877_666_2) % 1);
  return hsl(hue, 0.55, lightness);
}

function hsl(h: number, s: number, l: number): Color {
  const a = s * Math.min(l, 1 - l);
  const channel = (n: number) => {
    const k = (n + 12 * h) % 12;
    return Math.round(255 * (l - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
