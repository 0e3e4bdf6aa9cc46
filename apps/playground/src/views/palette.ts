/** Colours of the canvases, for both themes: blue is what was given, orange what the tokens hold of it. */
import type { Palette } from "../analysis/protocol.ts";
import type { Side } from "../audio/player.ts";

type Stop = readonly [red: number, green: number, blue: number];

/** From quiet to loud, evenly spaced. */
const STOPS: Readonly<Record<`${Side} ${"dark" | "light"}`, readonly Stop[]>> = {
  "input dark": [
    [13, 16, 23],
    [19, 42, 78],
    [38, 98, 178],
    [92, 170, 250],
    [200, 230, 255],
  ],
  "output dark": [
    [13, 16, 23],
    [66, 28, 24],
    [158, 62, 36],
    [246, 132, 82],
    [255, 224, 200],
  ],
  "input light": [
    [255, 255, 255],
    [219, 233, 250],
    [133, 182, 238],
    [40, 107, 190],
    [8, 40, 84],
  ],
  "output light": [
    [255, 255, 255],
    [253, 230, 218],
    [245, 168, 128],
    [203, 82, 32],
    [82, 24, 4],
  ],
};

export function paletteOf(side: Side, dark: boolean): Palette {
  const stops = STOPS[`${side} ${dark ? "dark" : "light"}`];
  const palette = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const left = Math.min(stops.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) {
      const [from, to] = [stops[left]![c]!, stops[left + 1]![c]!];
      palette[4 * i + c] = from + (to - from) * (at - left);
    }
    palette[4 * i + 3] = 255;
  }
  return palette;
}

/** Colours by the names of the style sheet's custom properties. */
export interface Ink {
  readonly input: string;
  readonly output: string;
  readonly lane: string;
  readonly line: string;
  readonly muted: string;
  readonly text: string;
  readonly focus: string;
}

export function readInk(): Ink {
  const style = getComputedStyle(document.documentElement);
  const get = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    input: get("a"),
    output: get("b"),
    lane: get("lane"),
    line: get("line"),
    muted: get("muted"),
    text: get("text"),
    focus: get("focus"),
  };
}
