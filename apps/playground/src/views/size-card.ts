/** The clip's size as tokens, beside what other formats take at the rates that are named. */
import { codeBits } from "../share/fragment.ts";
import { clipSeconds } from "../state/clip.ts";
import type { Playground } from "../state/playground.ts";
import { type AppState, activeClip } from "../state/store.ts";
import { byId, bytes } from "./dom.ts";

interface Rate {
  readonly name: string;
  readonly detail: string;
  /** Bits a second. */
  readonly rate: number;
  readonly tokens?: boolean;
}

/** Rates are nominal: no container, no variable rate. */
function ratesOf(state: AppState, frameRate: number): Rate[] {
  const clip = activeClip(state);
  const bits = codeBits(state.engine.info?.codebookSize ?? 8192);
  const input = clip?.input;
  const channels = clip?.channels ?? 1;
  const layout = channels === 1 ? "mono" : channels === 2 ? "stereo" : `${channels} channels`;
  const wav = input && {
    name: "WAV",
    detail: `16 bit, ${input.sampleRate / 1000} kHz, ${layout}`,
    rate: 16 * input.sampleRate * channels,
  };
  return [
    ...(wav ? [wav] : []),
    { name: "MP3", detail: "at 128 kbit/s", rate: 128_000 },
    { name: "Opus", detail: "at 24 kbit/s", rate: 24_000 },
    { name: "Opus", detail: "at 6 kbit/s, its lowest", rate: 6000 },
    { name: "Tokens", detail: `${frameRate} × ${bits} bits a second`, rate: frameRate * bits, tokens: true },
  ];
}

const kilobits = (rate: number): string =>
  rate < 1000 ? `${Math.round(rate)} bit/s` : `${(rate / 1000).toFixed(rate < 10_000 ? 1 : 0)} kbit/s`;

export function sizeCard(playground: Playground): void {
  const box = byId("size");
  let shown = "";
  playground.store.listen((state) => {
    const clip = activeClip(state);
    if (!clip) return;
    const seconds = clipSeconds(clip, playground.frameRate);
    const rates = ratesOf(state, playground.frameRate);
    const most = rates.reduce((n, { rate }) => Math.max(n, rate), 0);
    const tokens = rates.at(-1)?.rate ?? 1;
    const rows = rates.map(({ name, detail, rate, tokens: own }) => {
      const size = bytes((rate * seconds) / 8);
      return `<li class="rate${own ? " tokens" : ""}"><span><b>${name}</b> <small>${detail}</small></span>
        <span>${own ? `<strong>${size}</strong>` : size} <small>${kilobits(rate)}</small></span>
        <div class="bar-line"><i style="width:${(100 * rate) / most}%"></i></div></li>`;
    });
    const times = Math.round(128_000 / tokens);
    const html = `<ul>${rows.join("")}</ul><p>Rate × ${seconds.toFixed(1)} s, without containers. Not the same thing at
      another size: MP3 and Opus keep how it sounds; the tokens, ${times} times smaller than this MP3, keep what is heard,
      and the decoder makes up the rest.</p>`;
    if (html === shown) return;
    shown = html;
    box.innerHTML = html;
  });
}
