/** Downloads and links. */
import { encodeWav } from "universal-audio-tokenizer";
import { writeNpy } from "universal-audio-tokenizer/internal";
import { toFragment } from "../share/fragment.ts";
import { type Clip, isEdited } from "../state/clip.ts";
import type { Playground } from "../state/playground.ts";
import { type AppState, activeClip } from "../state/store.ts";
import { byId } from "./dom.ts";

export function takeCard(playground: Playground): void {
  const { store } = playground;
  const told = byId("taken");
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-take]")) {
    const kind = button.dataset.take as "link" | "wav" | "json" | "npy";
    button.addEventListener("click", async () => {
      const { clip } = store;
      if (!clip) return;
      if (kind === "link") told.textContent = await copyLink(clip, store.state);
      else {
        const file = fileOf(kind, clip, store.state, playground.frameRate);
        if (file) save(file, `${baseName(clip.name)}.${kind}`);
      }
    });
    store.listen((state) => {
      const clip = activeClip(state);
      button.disabled = !clip?.codes.length || (kind === "wav" && clip.outputCodes !== clip.codes);
    });
  }
  store.listen((state, before) => {
    if (activeClip(state)?.codes !== (before && activeClip(before)?.codes)) told.textContent = "";
    byId("facts").textContent = factsOf(state);
  });
}

const baseName = (name: string): string =>
  name.replace(/\.[a-z0-9]{1,5}$/i, "").replace(/[^\p{L}\p{N}._-]+/gu, "-") || "clip";

async function copyLink(clip: Clip, { engine, map }: AppState): Promise<string> {
  const codebookSize = engine.info?.codebookSize ?? 0;
  const fragment = toFragment({ codes: clip.codes, codebookSize, hash: map?.hash });
  if (!fragment) return "This is too long for a link: five minutes at most.";
  const url = location.href.split("#")[0] + fragment;
  history.replaceState(null, "", fragment);
  try {
    await navigator.clipboard.writeText(url);
    return `Copied: ${clip.codes.length} tokens in ${url.length} letters. Whoever opens it hears them.`;
  } catch {
    return "The link is in the address bar now: copy it from there.";
  }
}

function fileOf(kind: "wav" | "json" | "npy", clip: Clip, { engine }: AppState, frameRate: number): Blob | undefined {
  if (kind === "wav")
    return (
      clip.output &&
      new Blob([encodeWav([clip.output.samples], clip.output.sampleRate) as BlobPart], { type: "audio/wav" })
    );
  if (kind === "npy") return new Blob([writeNpy(clip.codes) as BlobPart], { type: "application/octet-stream" });
  // what `uat tokenize` writes and `uat decode` reads
  const row = {
    path: clip.name,
    codes: Array.from(clip.codes),
    frameRate,
    codebookSize: engine.info?.codebookSize,
    duration:
      clip.input && !isEdited(clip) ? clip.input.samples.length / clip.input.sampleRate : clip.codes.length / frameRate,
  };
  return new Blob([`${JSON.stringify(row)}\n`], { type: "application/json" });
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** How long the networks took, and what they are. */
function factsOf(state: AppState): string {
  const clip = activeClip(state);
  const { info } = state.engine;
  if (!clip || !info) return "";
  const { tokenize, decode } = clip.took;
  const took = [
    ...(tokenize === undefined ? [] : [`into tokens in ${tokenize.toFixed(1)} s`]),
    ...(decode === undefined ? [] : [`back in ${decode.toFixed(1)} s`]),
  ].join(", ");
  const gate = clip.gate || !clip.tokens ? "" : " This model has no gate (γ) to draw.";
  return `${took ? `This device: ${took}. ` : ""}Decoder: ${info.decoder}.${gate}`;
}
