/** What computes, and how far its download is. */
import type { Playground } from "../state/playground.ts";
import type { AppState } from "../state/store.ts";
import { byId, bytes } from "./dom.ts";

export function engineBadge(playground: Playground): void {
  const badge = byId("engine");
  let shown = "";
  playground.store.listen((state) => {
    const html = htmlOf(state);
    badge.classList.toggle("failed", state.engine.phase === "failed");
    badge.title = state.engine.upgrade ? `WebGPU: ${state.engine.upgrade.reason}` : "";
    if (html === shown) return;
    shown = html;
    badge.innerHTML = html;
  });
}

/** Only numbers and words of ours stand in it. */
function htmlOf({ engine: { phase, progress, info } }: AppState): string {
  if (phase === "idle") return "";
  if (phase === "failed") return '<i class="dot"></i><span>The model could not be loaded</span>';
  if (phase === "ready" && info) {
    const threads = info.threads === 1 ? "1 thread" : `${info.threads} threads`;
    const where = info.device === "webgpu" ? "WebGPU" : `WASM, ${threads}`;
    return `<i class="dot"></i><span><b>Runs here: </b>${where}</span>`;
  }
  if (progress?.what !== "download") return "<span>Getting ready…</span><progress></progress>";
  const { done, total } = progress;
  if (total === 0 || done >= total) return "<span>Starting the model…</span><progress></progress>";
  const share = Math.floor((20 * done) / total) * 5;
  return `<span><b>Model, once: </b>${bytes(total)}</span><progress aria-label="Download" max="100" value="${share}"></progress>`;
}
