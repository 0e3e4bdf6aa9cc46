/**
 * The clip in time: input, tokens and output above each other on one axis. Two canvases cover what is on the screen, not
 * the whole clip: `base` is drawn when something changes or scrolls, `overlay` with every move of the pointer and of the
 * playhead.
 */
import type { Picture } from "../analysis/protocol.ts";
import { type Clip, clipSeconds, isEdited, placesOf } from "../state/clip.ts";
import { between } from "../state/edits.ts";
import type { Playground } from "../state/playground.ts";
import { type AppState, activeClip } from "../state/store.ts";
import { coloursOf, css } from "./colours.ts";
import { byId, fitted, oncePerFrame } from "./dom.ts";
import {
  drawArcs,
  drawGate,
  drawMel,
  drawRuler,
  drawTokens,
  drawWave,
  type Layout,
  layoutOf,
  type View,
} from "./lanes.ts";
import { type Ink, readInk } from "./palette.ts";

const NARROWEST_TOKEN = 4;
const WIDEST_TOKEN = 56;
const ZOOM_STEP = 1.6;

export class Timeline {
  readonly #playground: Playground;
  readonly #scroller = byId("scroller");
  readonly #spacer = byId("spacer");
  readonly #window = byId("window");
  readonly #strip = byId("strip");
  readonly #base = byId<HTMLCanvasElement>("base");
  readonly #overlay = byId<HTMLCanvasElement>("overlay");
  readonly #drawBase = oncePerFrame(() => this.#paintBase());
  readonly #drawOverlay = oncePerFrame(() => this.#paintOverlay());
  #ink: Ink = readInk();
  #layout: Layout = layoutOf({ small: false, input: true, gate: false });
  /** Pixels of a token; 0 shows all of the clip. */
  #zoom = 0;
  #places: ReadonlyMap<number, readonly number[]> = new Map();
  /** Where a selection with the pointer began. */
  #anchor: number | undefined;
  #frame: number | undefined;

  constructor(playground: Playground) {
    this.#playground = playground;
    new ResizeObserver(() => this.#arrange()).observe(this.#scroller);
    this.#scroller.addEventListener("scroll", () => {
      this.#drawBase();
      this.#drawOverlay();
    });
    this.#window.addEventListener("pointermove", (event) => this.#move(event));
    this.#window.addEventListener("pointerleave", () => playground.point(undefined, false));
    this.#window.addEventListener("pointerdown", (event) => this.#press(event));
    this.#window.addEventListener("pointerup", () => {
      this.#anchor = undefined;
    });
    this.#scroller.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    byId("zoom-in").addEventListener("click", () => this.#zoomTo(this.#token * ZOOM_STEP));
    byId("zoom-out").addEventListener("click", () => this.#zoomTo(this.#token / ZOOM_STEP));
    playground.store.listen((state, before) => this.#update(state, before));
  }

  get #state(): AppState {
    return this.#playground.store.state;
  }

  get #clip(): Clip | undefined {
    return activeClip(this.#state);
  }

  get #seconds(): number {
    return this.#clip ? clipSeconds(this.#clip, this.#playground.frameRate) : 0;
  }

  get #fit(): number {
    const tokens = Math.max(1, this.#seconds * this.#playground.frameRate);
    return Math.max(NARROWEST_TOKEN, Math.min(WIDEST_TOKEN, this.#scroller.clientWidth / tokens));
  }

  get #token(): number {
    return this.#zoom === 0 ? this.#fit : Math.max(this.#fit, this.#zoom);
  }

  get #view(): View {
    const second = this.#token * this.#playground.frameRate;
    return { left: this.#scroller.scrollLeft, width: this.#scroller.clientWidth, second };
  }

  /** Scrolls as little as needed to show a token. */
  reveal(index: number): void {
    const { left, width } = this.#view;
    const x = index * this.#token;
    const margin = Math.min(80, width / 4);
    if (x < left + margin) this.#scroller.scrollLeft = x - margin;
    else if (x > left + width - margin) this.#scroller.scrollLeft = x - width + margin;
  }

  #update(state: AppState, before: AppState | undefined): void {
    const clip = activeClip(state);
    const past = before && activeClip(before);
    if (before === undefined || state.dark !== before.dark) this.#ink = readInk();
    if (clip?.codes !== past?.codes) this.#places = placesOf(clip?.codes ?? new Int32Array(0));
    if (clip?.id !== past?.id) {
      this.#zoom = 0;
      this.#scroller.scrollLeft = 0;
    }
    const changed = clip !== past || state.dark !== before?.dark || state.map !== before?.map;
    if (changed || state.engine.info !== before?.engine.info) this.#arrange();
    if (state.playing && this.#frame === undefined) this.#follow();
    this.#drawOverlay();
  }

  #arrange(): void {
    const clip = this.#clip;
    if (!clip) return;
    const small = this.#scroller.clientWidth < 620;
    this.#layout = layoutOf({
      small,
      input: !clip.codes.length || clip.input !== undefined,
      gate: this.#gateOf(clip) !== undefined,
    });
    const { height, strip, inputMel, gate, outputMel } = this.#layout;
    this.#window.style.height = `${height}px`;
    this.#window.style.width = `${this.#scroller.clientWidth}px`;
    this.#spacer.style.width = `${Math.max(this.#scroller.clientWidth, Math.ceil(this.#seconds * this.#view.second))}px`;
    Object.assign(this.#strip.style, { top: `${strip.top}px`, height: `${strip.height}px` });
    const place = (id: string, top: number | undefined) => {
      byId(id).hidden = top === undefined;
      byId(id).style.top = `${(top ?? 0) + 6}px`;
    };
    place("name-input", inputMel?.top);
    place("name-tokens", clip.codes.length ? strip.top - 32 : undefined);
    place("name-gate", gate?.top);
    place("name-output", clip.outputPicture ? outputMel.top : undefined);
    this.#drawBase();
    this.#drawOverlay();
  }

  /** The gate belongs to the tokeniser's codes: after an edit it would tell of others. */
  #gateOf(clip: Clip): Float32Array | undefined {
    return clip.gate && !isEdited(clip) ? clip.gate : undefined;
  }

  #paintBase(): void {
    const clip = this.#clip;
    if (!clip) return;
    const { ruler, inputWave, inputMel, strip, gate, outputMel, outputWave, height } = this.#layout;
    const view = this.#view;
    const ink = this.#ink;
    const context = fitted(this.#base, view.width, height);
    drawRuler(context, ruler, view, ink);
    const { inputPicture, outputPicture } = clip;
    // one scale for both, so that they can be compared
    const loudest = Math.max(loudestOf(inputPicture), loudestOf(outputPicture));
    if (inputPicture && inputWave && inputMel) {
      drawWave(context, inputWave, view, inputPicture, { colour: ink.input, loudest });
      drawMel(context, inputMel, view, inputPicture);
    }
    const colours = coloursOf(this.#state);
    drawTokens(context, strip, view, {
      codes: clip.codes,
      token: this.#token,
      colour: (code) => css(colours, code),
      text: "#10131a",
    });
    const open = this.#gateOf(clip);
    if (open && gate) drawGate(context, gate, view, { gate: open, token: this.#token, ink });
    if (outputPicture) {
      const stale = clip.outputCodes !== clip.codes;
      context.globalAlpha = stale ? 0.3 : 1;
      drawMel(context, outputMel, view, outputPicture);
      drawWave(context, outputWave, view, outputPicture, { colour: ink.output, loudest });
      context.globalAlpha = 1;
    }
  }

  #paintOverlay(): void {
    const clip = this.#clip;
    if (!clip) return;
    const { arcs, strip, height, ruler } = this.#layout;
    const view = this.#view;
    const token = this.#token;
    const ink = this.#ink;
    const context = fitted(this.#overlay, view.width, height);
    const { pointed, pointedCode, cursor, playing } = this.#state;
    const { selection, codes } = clip;
    if (selection && codes.length && selection.end > selection.start) {
      const x = selection.start * token - view.left;
      const w = (selection.end - selection.start) * token;
      context.fillStyle = ink.text;
      context.fillRect(x, strip.top - 5, w, 3);
      context.fillRect(x, strip.top + strip.height + 2, w, 3);
    }
    const code = pointed === undefined ? pointedCode : codes[pointed];
    const places = code === undefined ? [] : (this.#places.get(code) ?? []);
    if (code !== undefined && places.length > 0) {
      // the others step back
      context.fillStyle = ink.lane;
      context.globalAlpha = this.#state.dark ? 0.55 : 0.5;
      const end = Math.min(view.width, codes.length * token - view.left);
      let at = 0;
      for (const place of places) {
        const x = place * token - view.left;
        if (x > at) context.fillRect(at, strip.top, Math.min(x, end) - at, strip.height);
        at = Math.max(at, x + token);
      }
      if (end > at) context.fillRect(at, strip.top, end - at, strip.height);
      context.globalAlpha = 1;
      const colour = css(coloursOf(this.#state), code);
      const from = pointed ?? places[0]!;
      drawArcs(context, arcs, view, { from, to: places, token, colour });
      context.fillStyle = colour;
      for (const place of places) {
        const x = place * token - view.left;
        const grown = Math.max(token, place === from ? 7 : 5);
        context.fillRect(
          x + (token - grown) / 2,
          strip.top - (place === from ? 4 : 0),
          grown,
          strip.height + (place === from ? 8 : 0),
        );
      }
    }
    const seconds = playing ? this.#playground.player.position : cursor;
    const x = seconds * view.second - view.left;
    context.fillStyle = ink.text;
    context.fillRect(x - 1, ruler.top + 8, 2, height - 8);
    context.beginPath();
    context.arc(x, ruler.top + 10, 5, 0, 7);
    context.fill();
  }

  /** Draws the playhead while something plays, and keeps it in view. */
  #follow(): void {
    const step = () => {
      if (!this.#state.playing) {
        this.#frame = undefined;
        this.#drawOverlay();
        return;
      }
      const { left, width, second } = this.#view;
      const x = this.#playground.player.position * second;
      if (x > left + 0.92 * width || x < left) this.#scroller.scrollLeft = x - 0.1 * width;
      this.#paintOverlay();
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  /** The token below the pointer, and whether it is the strip that is pointed at. */
  #under(event: PointerEvent): { index: number | undefined; onStrip: boolean; seconds: number } {
    const box = this.#window.getBoundingClientRect();
    const { left, second } = this.#view;
    const { strip, arcs } = this.#layout;
    const [x, y] = [event.clientX - box.left + left, event.clientY - box.top];
    const index = Math.floor(x / this.#token);
    const inside = this.#clip !== undefined && index >= 0 && index < this.#clip.codes.length;
    const onStrip = y >= arcs.top + arcs.height - 6 && y <= strip.top + strip.height + 6;
    return { index: inside ? index : undefined, onStrip, seconds: Math.min(this.#seconds, Math.max(0, x / second)) };
  }

  #move(event: PointerEvent): void {
    const { index, onStrip } = this.#under(event);
    if (this.#anchor !== undefined && index !== undefined && event.pointerType !== "touch")
      this.#playground.select(between(this.#anchor, index));
    this.#playground.point(onStrip || this.#anchor !== undefined ? index : undefined, this.#anchor === undefined);
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return;
    const { index, onStrip, seconds } = this.#under(event);
    if (!onStrip) {
      this.#playground.seek(seconds);
      return;
    }
    if (index === undefined) return;
    const selection = this.#clip?.selection;
    const extend = event.shiftKey || byId("tools").dataset.range === "true";
    this.#anchor = extend && selection ? selection.start : index;
    this.#playground.select(between(this.#anchor, index));
    byId("tools").dataset.range = "false";
    this.#playground.point(index, false);
    this.#playground.glimpse(index);
    this.#playground.store.set({ cursor: index / this.#playground.frameRate });
  }

  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = this.#window.getBoundingClientRect();
    this.#zoomTo(this.#token * Math.exp(-event.deltaY / 200), event.clientX - box.left);
  }

  /** Zooms about a place on the screen: its middle unless told. */
  #zoomTo(token: number, about = this.#scroller.clientWidth / 2): void {
    const before = this.#token;
    const at = (this.#scroller.scrollLeft + about) / before;
    this.#zoom = Math.min(WIDEST_TOKEN, token) <= this.#fit ? 0 : Math.min(WIDEST_TOKEN, token);
    this.#arrange();
    this.#scroller.scrollLeft = at * this.#token - about;
    this.#drawBase();
  }
}

/** Of 127; no picture is silent. */
const loudestOf = (picture: Picture | undefined): number =>
  picture ? Math.max(picture.peaks.high.reduce(larger, 0), -picture.peaks.low.reduce(smaller, 0)) : 0;
const larger = (a: number, b: number): number => Math.max(a, b);
const smaller = (a: number, b: number): number => Math.min(a, b);
