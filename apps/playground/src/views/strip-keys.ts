/** The token strip by keyboard and for screen readers: a list box whose active option is the token that is pointed at. */
import { placesOf } from "../state/clip.ts";
import { between, codesOfText } from "../state/edits.ts";
import type { Playground } from "../state/playground.ts";
import { type AppState, activeClip } from "../state/store.ts";
import { byId } from "./dom.ts";
import type { Timeline } from "./timeline.ts";

export class StripKeys {
  readonly #playground: Playground;
  readonly #timeline: Timeline;
  readonly #strip = byId("strip");
  /** Where a selection with Shift began, and the token that the keys are at. */
  #anchor = 0;
  #at = 0;

  constructor(playground: Playground, timeline: Timeline) {
    this.#playground = playground;
    this.#timeline = timeline;
    this.#strip.addEventListener("keydown", (event) => this.#key(event));
    this.#strip.addEventListener("focus", () => {
      if (this.#strip.matches(":focus-visible")) playground.point(this.#at, false);
    });
    this.#strip.addEventListener("blur", () => playground.point(undefined, false));
    for (const type of ["copy", "cut", "paste"] as const)
      document.addEventListener(type, (event) => this.#clipboard(type, event as ClipboardEvent));
    playground.store.listen((state) => this.#describe(state));
  }

  #key(event: KeyboardEvent): void {
    const clip = this.#playground.store.clip;
    if (!clip?.codes.length) return;
    const command = event.ctrlKey || event.metaKey;
    const last = clip.codes.length - 1;
    const second = Math.round(this.#playground.frameRate);
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: this.#at - 1,
      ArrowRight: this.#at + 1,
      PageUp: this.#at - second,
      PageDown: this.#at + second,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (event.altKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      this.#playground.move(event.key === "ArrowLeft" ? -1 : 1);
      this.#at = this.#playground.store.clip?.selection?.start ?? this.#at;
      this.#anchor = this.#at;
    } else if (to !== undefined && !command) this.#go(Math.max(0, Math.min(last, to)), event.shiftKey, true);
    else if (event.key === "Enter") this.#playground.play(clip.selection);
    else if (event.key === "Delete" || event.key === "Backspace") this.#playground.remove();
    else if (event.key === "r" && !command) this.#playground.reverse();
    else if (event.key === "a" && command) this.#playground.select({ start: 0, end: clip.codes.length });
    else return;
    event.preventDefault();
  }

  #go(index: number, extend: boolean, audible: boolean): void {
    const last = (this.#playground.store.clip?.codes.length ?? 1) - 1;
    this.#at = Math.min(index, Math.max(0, last));
    if (!extend) this.#anchor = this.#at;
    this.#playground.select(between(this.#anchor, this.#at));
    this.#timeline.reveal(this.#at);
    this.#playground.point(this.#at, audible);
  }

  /** Codes travel between clips, and between pages, as text. */
  #clipboard(type: "copy" | "cut" | "paste", event: ClipboardEvent): void {
    const clip = this.#playground.store.clip;
    const { activeElement } = document;
    if (!clip?.tokens || (activeElement instanceof HTMLInputElement && activeElement.type !== "file")) return;
    if (type !== "paste" && document.getSelection()?.toString()) return;
    if (type === "paste") {
      const size = this.#playground.store.state.engine.info?.codebookSize ?? 0;
      const given = codesOfText(event.clipboardData?.getData("text/plain") ?? "", size);
      if (!given) return;
      this.#playground.paste(given);
    } else {
      const codes = type === "copy" ? this.#playground.copy() : this.#playground.cut();
      if (!codes) return;
      event.clipboardData?.setData("text/plain", codes.join(" "));
    }
    event.preventDefault();
  }

  #describe(state: AppState): void {
    const clip = activeClip(state);
    const count = clip?.codes.length ?? 0;
    const index = Math.max(0, Math.min(count - 1, state.pointed ?? clip?.selection?.start ?? 0));
    if (state.pointed !== undefined) this.#at = state.pointed;
    const code = clip?.codes[index];
    const rate = this.#playground.frameRate;
    const times = code === undefined ? 0 : (placesOf(clip?.codes ?? new Int32Array(0)).get(code)?.length ?? 0);
    const text =
      code === undefined
        ? "No tokens yet"
        : `Code ${code}, at ${(index / rate).toFixed(2)} seconds, ${times === 1 ? "used once" : `used ${times} times`}`;
    const id = `token-${index}`;
    const { start = 0, end = 0 } = clip?.selection ?? {};
    const selected = String(index >= start && index < end);
    const [known] = this.#strip.children;
    if (known?.id === id && known.textContent === text && known.ariaSelected === selected) return;
    const option = document.createElement("div");
    option.id = id;
    option.role = "option";
    option.textContent = text;
    option.ariaPosInSet = String(index + 1);
    option.ariaSetSize = String(count);
    option.ariaSelected = selected;
    this.#strip.replaceChildren(option);
    this.#strip.setAttribute("aria-activedescendant", id);
    this.#strip.setAttribute("aria-label", `Tokens of ${clip?.name ?? "the clip"}, ${count}`);
  }
}
