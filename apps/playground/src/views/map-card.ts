/** All codes as dots, near where their vectors are alike; those of the clip are lit, and the path is what plays. */
import { placesOf } from "../state/clip.ts";
import type { Playground } from "../state/playground.ts";
import { type AppState, activeClip } from "../state/store.ts";
import { coloursOf, css } from "./colours.ts";
import { byId, fitted, oncePerFrame } from "./dom.ts";

/** Tokens of the tail behind the one that sounds. */
const TAIL = 12;
/** Pixels within which a dot is taken to be meant. */
const REACH = 14;

export function mapCard(playground: Playground): void {
  const { store } = playground;
  const base = byId<HTMLCanvasElement>("map-base");
  const top = byId<HTMLCanvasElement>("map");
  let places: ReadonlyMap<number, readonly number[]> = new Map();
  let following = false;
  const paintBase = oncePerFrame(() => drawAll(base, store.state));
  const paint = oncePerFrame(() => drawLit(top, store.state, places, playground));
  new ResizeObserver(() => {
    paintBase();
    paint();
  }).observe(top);
  const nearest = (event: PointerEvent): number | undefined => {
    const box = top.getBoundingClientRect();
    let [best, found] = [REACH, undefined as number | undefined];
    for (const code of places.keys()) {
      const [x, y] = placeOf(store.state, code, box.width);
      const distance = Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top));
      if (distance < best) [best, found] = [distance, code];
    }
    return found;
  };
  top.addEventListener("pointermove", (event) => {
    const code = nearest(event);
    if (code !== store.state.pointedCode) store.set({ pointedCode: code });
  });
  top.addEventListener("pointerleave", () => store.set({ pointedCode: undefined }));
  top.addEventListener("pointerdown", (event) => {
    const [first] = places.get(nearest(event) ?? -1) ?? [];
    if (first !== undefined) playground.glimpse(first);
  });
  const follow = () => {
    drawLit(top, store.state, places, playground);
    following = store.state.playing;
    if (following) requestAnimationFrame(follow);
  };
  store.listen((state, before) => {
    const clip = activeClip(state);
    if (!before || clip?.codes !== activeClip(before)?.codes) places = placesOf(clip?.codes ?? new Int32Array(0));
    if (state.map !== before?.map || state.dark !== before?.dark) paintBase();
    byId("map-text").textContent = textOf(state, places);
    top.setAttribute("aria-label", `Map of the codebook. ${textOf(state, places)}`);
    if (state.playing && !following) {
      following = true;
      requestAnimationFrame(follow);
    }
    paint();
  });
}

function textOf({ map, engine }: AppState, places: ReadonlyMap<number, readonly number[]>): string {
  const size = engine.info?.codebookSize ?? 0;
  if (!map) return "The map is drawn once the first clip can be heard.";
  return `The clip uses ${places.size} of ${size.toLocaleString("en")} codes. Neighbours sound alike; the two directions shown hold ${Math.round(100 * map.explained)} % of how their vectors differ.`;
}

/** A code's place in a square of `side` pixels. */
function placeOf({ map }: AppState, code: number, side: number): [number, number] {
  const { places } = map ?? {};
  if (!places) return [-99, -99];
  const scale = side / 2 - 12;
  return [side / 2 + places[3 * code]! * scale, side / 2 - places[3 * code + 1]! * scale];
}

function drawAll(canvas: HTMLCanvasElement, state: AppState): void {
  const context = fitted(canvas);
  const side = canvas.clientWidth;
  const colours = coloursOf(state);
  context.globalAlpha = state.dark ? 0.34 : 0.42;
  for (let code = 0; code < (state.map?.places.length ?? 0) / 3; code++) {
    const [x, y] = placeOf(state, code, side);
    context.fillStyle = css(colours, code);
    context.fillRect(x - 0.8, y - 0.8, 1.6, 1.6);
  }
}

function drawLit(
  canvas: HTMLCanvasElement,
  state: AppState,
  places: ReadonlyMap<number, readonly number[]>,
  playground: Playground,
): void {
  const context = fitted(canvas);
  const clip = activeClip(state);
  if (!clip || !state.map) return;
  const side = canvas.clientWidth;
  const colours = coloursOf(state);
  const dot = (code: number, radius: number) => {
    const [x, y] = placeOf(state, code, side);
    context.fillStyle = css(colours, code);
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fill();
  };
  for (const [code, { length }] of places) dot(code, 2.2 + 1.3 * Math.log2(length));
  const ring = (code: number) => {
    dot(code, 8);
    const [x, y] = placeOf(state, code, side);
    context.strokeStyle = state.dark ? "#fff" : "#15171c";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 11, 0, 7);
    context.stroke();
  };
  if (state.playing) {
    const now = Math.min(clip.codes.length - 1, Math.floor(playground.player.position * playground.frameRate));
    context.lineWidth = 1.5;
    for (let i = Math.max(1, now - TAIL); i <= now; i++) {
      context.globalAlpha = 1 - (now - i) / (TAIL + 1);
      context.strokeStyle = css(colours, clip.codes[i]!);
      context.beginPath();
      context.moveTo(...placeOf(state, clip.codes[i - 1]!, side));
      context.lineTo(...placeOf(state, clip.codes[i]!, side));
      context.stroke();
    }
    context.globalAlpha = 1;
    if (now >= 0) ring(clip.codes[now]!);
  } else {
    const code = state.pointed === undefined ? state.pointedCode : clip.codes[state.pointed];
    if (code !== undefined && places.has(code)) ring(code);
  }
}
