/** How a sound comes onto the page: a file, a drop, a paste, a sample, the microphone. */
import type { Playground } from "../state/playground.ts";
import type { AppState } from "../state/store.ts";
import { byId, clock, fitted } from "./dom.ts";
import { readInk } from "./palette.ts";

export function openPanel(playground: Playground): void {
  const input = byId<HTMLInputElement>("file");
  const openAll = (files: Iterable<File>) => {
    for (const file of files) void playground.openFile(file, file.name);
  };
  byId("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    openAll([...(input.files ?? [])]);
    input.value = "";
  });
  for (const button of document.querySelectorAll<HTMLElement>("[data-sample]"))
    button.addEventListener(
      "click",
      () => void playground.openSample(button.dataset.sample as string, button.textContent),
    );
  byId("record").addEventListener("click", async () => {
    await playground.record();
    byId("stop").focus();
  });
  byId("stop").addEventListener("click", () => void playground.endRecording());
  dropping(openAll);
  playground.store.listen((state, before) => {
    if (state.recording !== before?.recording) showRecording(state);
  });
}

/** Files may be dropped anywhere. */
function dropping(openAll: (files: Iterable<File>) => void): void {
  let inside = 0;
  const show = () => document.body.classList.toggle("dragging", inside > 0);
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    inside++;
    show();
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    inside = Math.max(0, inside - 1);
    show();
  });
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    inside = 0;
    show();
    openAll(event.dataTransfer?.files ?? []);
  });
}

/** The microphone's level as it comes, newest at the right. */
function showRecording({ recording }: AppState): void {
  byId("recording").hidden = !recording;
  (document.querySelector(".sources") as HTMLElement).hidden = recording !== undefined;
  if (!recording) return;
  byId("recorded").textContent = clock(recording.seconds);
  const canvas = byId<HTMLCanvasElement>("level");
  const context = fitted(canvas);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  context.fillStyle = readInk().input;
  const bars = Math.floor(width / 6);
  for (const [i, peak] of recording.peaks.slice(-bars).entries()) {
    const h = Math.max(3, Math.sqrt(peak) * (height - 4));
    context.beginPath();
    context.roundRect(i * 6, (height - h) / 2, 4, h, 2);
    context.fill();
  }
}
