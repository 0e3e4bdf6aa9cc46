/** The samples of a run as a part of its report: spectrograms, players and texts beside their targets. */
import { escapeHtml } from "./page-script.ts";
import type { SampleEntry, SampleStore } from "./samples.ts";
import { textDifference } from "./text-difference.ts";

/** Bytes of pictures and sounds in one report; what does not fit is named, and lies in the folder of samples. */
const MOST_BYTES = 6 << 20;

const TYPES = { spectrogram: "image/png", audio: "audio/wav" } as const;

/** Sections of all samples; nothing where there are none. */
export function samplesHtml(store: SampleStore): string {
  const of = (kind: SampleEntry["kind"]) => store.entries.filter((entry) => entry.kind === kind);
  return [mediaHtml(store, [...of("spectrogram"), ...of("audio")]), textsHtml(of("text"))].join("\n");
}

/** Files as data URIs by name, the latest of every sample first, as many as there is room for. */
function embedded(store: SampleStore, entries: readonly SampleEntry[]): Map<string, string> {
  const latest = new Map(entries.map((entry) => [`${entry.kind} ${entry.name}`, entry]));
  const first = new Set(latest.values());
  const out = new Map<string, string>();
  let bytes = 0;
  for (const entry of [...first, ...entries.filter((e) => !first.has(e)).reverse()]) {
    for (const file of [entry.target, entry.prediction]) {
      if (file === undefined || out.has(file)) continue;
      const data = store.read(file);
      if (data === undefined || bytes + data.length > MOST_BYTES) continue;
      bytes += data.length;
      out.set(file, `data:${TYPES[entry.kind as keyof typeof TYPES]};base64,${Buffer.from(data).toString("base64")}`);
    }
  }
  return out;
}

/** Entries by name, in order of first appearance. */
function byName(entries: readonly SampleEntry[]): Map<string, SampleEntry[]> {
  const groups = new Map<string, SampleEntry[]>();
  for (const entry of entries) groups.set(entry.name, [...(groups.get(entry.name) ?? []), entry]);
  return groups;
}

const stepOf = (entry: SampleEntry) => `step ${entry.step.toLocaleString("en")}`;

/** A card a clip: its target, then what became of it at each step, the latest first. */
function mediaHtml(store: SampleStore, entries: readonly SampleEntry[]): string {
  if (entries.length === 0) return "";
  const media = embedded(store, entries);
  const player = (name: string, caption: string, files: readonly (string | undefined)[]) => {
    const label = escapeHtml(`${name}, ${caption}`);
    const parts = files.map((file) => {
      if (file === undefined) return "";
      const uri = media.get(file);
      if (uri === undefined) return `<p class="note">samples/${escapeHtml(file)}</p>`;
      return uri.startsWith("data:image")
        ? `<img alt="Spectrogram of ${label}" src="${uri}">`
        : `<audio controls preload="metadata" aria-label="${label}" src="${uri}"></audio>`;
    });
    return `<figure><figcaption>${escapeHtml(caption)}</figcaption>${parts.join("")}</figure>`;
  };
  const cards = [...byName(entries)].map(([name, all]) => {
    const targets = (["spectrogram", "audio"] as const).map(
      (kind) => all.findLast((entry) => entry.kind === kind && entry.target !== undefined)?.target,
    );
    const steps = [...new Set(all.map((entry) => entry.step))].sort((a, b) => b - a);
    const figures = steps.map((step) => {
      const made = all.filter((entry) => entry.step === step);
      return player(
        name,
        stepOf(made[0]!),
        made.map((entry) => entry.prediction),
      );
    });
    if (targets.some((target) => target !== undefined)) figures.unshift(player(name, "target", targets));
    return `<div class="card sample"><h3>${escapeHtml(name)}</h3><div class="steps">${figures.join("")}</div></div>`;
  });
  return `<section><h2>Samples</h2><div class="samples">${cards.join("")}</div></section>`;
}

function textsHtml(entries: readonly SampleEntry[]): string {
  if (entries.length === 0) return "";
  const rows = [...byName(entries)].map(([name, steps]) => {
    const last = steps.at(-1)!;
    const earlier = steps.slice(0, -1).reverse();
    const more = earlier.map((entry) => `<p><small>${stepOf(entry)}</small>${escapeHtml(entry.prediction)}</p>`);
    const details = more.length ? `<details><summary>Earlier</summary>${more.join("")}</details>` : "";
    return `<tr><td><b>${escapeHtml(name)}</b><small>${stepOf(last)}</small></td><td data-label="Target">${escapeHtml(last.target ?? "–")}</td><td data-label="Prediction">${predictionHtml(last)}${details}</td></tr>`;
  });
  return `<section><h2>Texts</h2><div class="card sample scroll"><table class="texts"><thead><tr><th scope="col">Clip</th><th scope="col">Target</th><th scope="col">Prediction</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></section>`;
}

function predictionHtml({ target, prediction }: SampleEntry): string {
  if (target === undefined) return escapeHtml(prediction);
  const marks = { same: ["", ""], added: ["<ins>", "</ins>"], missing: ["<del>", "</del>"] } as const;
  return textDifference(target, prediction)
    .map(({ kind, text }) => marks[kind].join(escapeHtml(text)))
    .join("");
}
