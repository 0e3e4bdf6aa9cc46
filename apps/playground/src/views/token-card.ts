/** The token that is pointed at: its number, its bits, its place, and where else the clip uses it. */
import { codeBits } from "../share/fragment.ts";
import { placesOf } from "../state/clip.ts";
import type { Playground } from "../state/playground.ts";
import { type AppState, activeClip } from "../state/store.ts";
import { coloursOf, css } from "./colours.ts";
import { byId } from "./dom.ts";

export function tokenCard(playground: Playground): void {
  const box = byId("token");
  let shown = "";
  playground.store.listen((state) => {
    const html = htmlOf(state, playground.frameRate);
    if (html === shown) return;
    shown = html;
    box.innerHTML = html;
  });
}

/** Only numbers of ours stand in it. */
function htmlOf(state: AppState, rate: number): string {
  const clip = activeClip(state);
  if (!clip || clip.codes.length === 0)
    return "<p>Each token is one number for 40 milliseconds of sound. They appear here as soon as they are there.</p>";
  const { pointed, pointedCode } = state;
  const places = placesOf(clip.codes);
  const index =
    pointed ?? (pointedCode === undefined ? undefined : places.get(pointedCode)?.[0]) ?? clip.selection?.start ?? 0;
  const code = clip.codes[Math.min(index, clip.codes.length - 1)] as number;
  const colour = css(coloursOf(state), code);
  const bits = codeBits(state.engine.info?.codebookSize ?? 8192);
  const cells = Array.from({ length: bits }, (_, b) => `<i${(code >> (bits - 1 - b)) & 1 ? ' class="one"' : ""}></i>`);
  const times = places.get(code)?.length ?? 0;
  const used =
    times === 1 ? "The clip uses it only here." : `The clip uses it ${times} times; bows lead to the others.`;
  return `<div class="token-head"><i class="swatch" style="background:${colour}"></i><div><strong>${code}</strong>
    <span>token ${index + 1} of ${clip.codes.length}, ${(index / rate).toFixed(2)} to ${((index + 1) / rate).toFixed(2)} s</span></div></div>
    <div class="bits" style="--swatch:${colour}" role="img" aria-label="${code.toString(2).padStart(bits, "0")} in binary">${cells.join("")}</div>
    <p>${used} Point at a token to hear its 40 ms. All it holds are these ${bits} bits.</p>`;
}
