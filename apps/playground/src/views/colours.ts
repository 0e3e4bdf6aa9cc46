/** The colour of each code: from the map once it is known, by number before. */
import { plainColours } from "../engine/code-colours.ts";
import type { AppState } from "../state/store.ts";

let plain: Uint8Array = new Uint8Array(0);

/** @returns [size, 3] sRGB. */
export function coloursOf({ map, engine }: AppState): Uint8Array {
  if (map) return map.colours;
  const size = engine.info?.codebookSize ?? 0;
  if (plain.length !== 3 * size) plain = plainColours(size);
  return plain;
}

export const css = (colours: Uint8Array, code: number): string =>
  `rgb(${colours[3 * code]} ${colours[3 * code + 1]} ${colours[3 * code + 2]})`;
