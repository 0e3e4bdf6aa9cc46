/** Around the timeline: the clips, playback, editing tools and what is being done. */

import type { Side } from "../audio/player.ts";
import { type Clip, clipSeconds, isEdited } from "../state/clip.ts";
import type { Playground } from "../state/playground.ts";
import { type AppState, activeClip } from "../state/store.ts";
import { byId, clock } from "./dom.ts";

export function stage(playground: Playground): void {
  const { store } = playground;
  byId("play").addEventListener("click", () => playground.toggle());
  for (const side of ["input", "output"] as const) {
    const button = byId(`side-${side}`);
    button.addEventListener("click", () => playground.hear(side));
    button.addEventListener("keydown", (event) => {
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      const other: Side = side === "input" ? "output" : "input";
      if (byId<HTMLButtonElement>(`side-${other}`).disabled) return;
      playground.hear(other);
      byId(`side-${other}`).focus();
    });
  }
  const tools = byId("tools");
  tools.addEventListener("click", (event) => {
    const { tool } = (event.target as HTMLElement).dataset;
    if (tool === "range") tools.dataset.range = String(tools.dataset.range !== "true");
    else if (tool === "hear") playground.play(store.clip?.selection);
    else if (tool) playground[tool as "copy" | "cut" | "paste" | "swap" | "reverse" | "undo" | "redo" | "reset"]();
    showTools(store.state);
  });
  new MutationObserver(() => showTools(store.state)).observe(tools, { attributeFilter: ["data-range"] });
  document.addEventListener("keydown", (event) => shortcut(event, playground));
  const notice = byId("notice");
  notice.querySelector("button")?.addEventListener("click", () => store.set({ notice: undefined }));
  let ticking = false;
  const tick = () => {
    byId("now").textContent = clock(store.state.playing ? playground.player.position : store.state.cursor);
    ticking = store.state.playing;
    if (ticking) requestAnimationFrame(tick);
  };
  store.listen((state, before) => {
    if (state.clips !== before?.clips || state.activeId !== before?.activeId) showClips(state, playground);
    show(state, playground);
    if (!ticking) tick();
  });
}

/** Keys that work everywhere on the page, unless something else wants them. */
function shortcut(event: KeyboardEvent, playground: Playground): void {
  if (!playground.store.clip || event.defaultPrevented || event.altKey) return;
  const target = event.target as HTMLElement;
  const onButton = target.closest("button, a, input") !== null;
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  const { side } = playground.store.state;
  if (key === " " && !onButton) playground.toggle();
  else if (command && key === "z") event.shiftKey ? playground.redo() : playground.undo();
  else if (command && key === "y") playground.redo();
  else if (!command && (key === "a" || key === "b")) playground.hear(key === "a" ? "input" : "output");
  else if (!command && key === "x") playground.hear(side === "input" ? "output" : "input");
  else return;
  event.preventDefault();
}

function showClips(state: AppState, playground: Playground): void {
  const box = byId("clips");
  const focused = (document.activeElement as HTMLElement | null)?.dataset.clip;
  box.replaceChildren(
    ...state.clips.map((clip) => {
      const tab = document.createElement("div");
      tab.className = "clip-tab";
      tab.dataset.active = String(clip.id === state.activeId);
      const choose = document.createElement("button");
      choose.type = "button";
      choose.dataset.clip = String(clip.id);
      choose.textContent = clip.name;
      choose.setAttribute("aria-pressed", String(clip.id === state.activeId));
      choose.addEventListener("click", () => playground.choose(clip.id));
      const close = document.createElement("button");
      close.type = "button";
      close.className = "close";
      close.textContent = "×";
      close.setAttribute("aria-label", `Close ${clip.name}`);
      close.addEventListener("click", () => playground.close(clip.id));
      tab.append(choose, close);
      return tab;
    }),
  );
  if (focused) box.querySelector<HTMLElement>(`[data-clip="${focused}"]`)?.focus();
}

function show(state: AppState, playground: Playground): void {
  const clip = activeClip(state);
  document.body.classList.toggle("has-clip", clip !== undefined);
  byId("stage").hidden = !clip;
  const notice = byId("notice");
  notice.hidden = !state.notice;
  notice.classList.toggle("error", state.notice?.kind === "error");
  (notice.firstElementChild as HTMLElement).textContent = state.notice?.text ?? "";
  if (!clip) return;
  const play = byId<HTMLButtonElement>("play");
  play.classList.toggle("on", state.playing);
  play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
  play.disabled = !clip.input && !clip.output;
  byId("total").textContent = `/ ${clock(clipSeconds(clip, playground.frameRate))}`;
  for (const side of ["input", "output"] as const) {
    const button = byId<HTMLButtonElement>(`side-${side}`);
    button.disabled = !clip[side];
    const heard = state.side === side;
    button.setAttribute("aria-checked", String(heard));
    button.tabIndex = heard || !clip[state.side] ? 0 : -1;
  }
  byId("work").textContent = workText(clip);
  showTools(state);
  showVeil(clip, state, playground);
}

function workText(clip: Clip): string {
  if (clip.error) return "";
  if (clip.work) return `${clip.work}…`;
  return isEdited(clip) ? "Edited" : "";
}

function showTools(state: AppState): void {
  const clip = activeClip(state);
  const { start = 0, end = 0 } = clip?.selection ?? {};
  const count = Math.min(end, clip?.codes.length ?? 0) - start;
  const can: Readonly<Record<string, boolean>> = {
    hear: count > 0 && clip?.output !== undefined,
    range: count > 0,
    copy: count > 0,
    cut: count > 0,
    paste: (state.copied?.length ?? 0) > 0 && clip?.tokens !== undefined,
    swap: (state.copied?.length ?? 0) > 0 && count > 0,
    reverse: count > 1,
    undo: (clip?.history.past.length ?? 0) > 0,
    redo: (clip?.history.future.length ?? 0) > 0,
    reset: clip !== undefined && isEdited(clip),
  };
  const tools = byId("tools");
  for (const button of tools.querySelectorAll("button")) {
    button.disabled = !can[button.dataset.tool as string];
    if (button.dataset.tool === "range") button.setAttribute("aria-pressed", String(tools.dataset.range === "true"));
  }
  byId("selected").textContent =
    count > 0 ? `${count} of ${clip?.codes.length} tokens selected, ${(count * 0.04).toFixed(2)} s` : "";
}

/** Over the output's lanes until there is one: how far it is, or what went wrong. */
function showVeil(clip: Clip, state: AppState, playground: Playground): void {
  const veil = byId("veil");
  const waiting = !clip.output && (clip.work !== undefined || clip.error !== undefined || clip.codes.length === 0);
  veil.hidden = !waiting && !clip.error;
  if (veil.hidden) return;
  const strip = byId("strip");
  veil.style.top = `${strip.offsetTop + (clip.codes.length ? strip.offsetHeight + 12 : -40)}px`;
  veil.style.bottom = "0";
  veil.classList.toggle("failed", clip.error !== undefined);
  const { progress } = state.engine;
  const download = state.engine.phase === "loading" && progress?.what === "download" && progress.total > 0;
  const share = download ? progress.done / progress.total : clip.share || undefined;
  veil.classList.toggle("waiting", share === undefined);
  veil.style.setProperty("--share", `${100 * (share ?? 0)}%`);
  const text = veil.querySelector("span") as HTMLElement;
  const line = clip.error ?? (clip.work ? `${clip.work}…` : "Everything was cut: undo, or paste something.");
  if (text.dataset.line === line) return;
  text.dataset.line = line;
  text.textContent = line;
  if (!clip.error) return;
  const retry = document.createElement("button");
  retry.type = "button";
  retry.textContent = "Try again";
  retry.style.marginLeft = "12px";
  retry.addEventListener("click", () => void playground.retry(clip.id));
  if (clip.input || clip.tokens) text.append(retry);
}
