/** Loudness of sounds and where they are heard: the measures that labels rest on. */
import { energy, type Span } from "@uat/audio";

export { energy, level, peak, type Span, scaled } from "@uat/audio";

export const toDecibels = (amplitude: number): number => 20 * Math.log10(amplitude);
export const fromDecibels = (decibels: number): number => 10 ** (decibels / 20);

/** Adds `sound`, from its own sample `from` on, to `target` at sample `at`; what reaches past either end is left out. */
export function addAt(target: Float32Array, sound: Float32Array, at: number, factor = 1): void {
  const first = Math.max(0, -at);
  const last = Math.min(sound.length, target.length - at);
  for (let i = first; i < last; i++) target[at + i] = target[at + i]! + factor * sound[i]!;
}

/** Seconds of a frame of {@link activeSpans}. */
const FRAME = 0.01;

/**
 * Stretches whose 10 ms frames reach within `floor` dB of the loudest frame; stretches nearer than `join` seconds count
 * as one. Empty for silence.
 */
export function activeSpans(
  samples: Float32Array,
  sampleRate: number,
  { floor = 30, join = 0.08 }: { readonly floor?: number; readonly join?: number } = {},
): Span[] {
  const hop = Math.max(1, Math.round(FRAME * sampleRate));
  const frames = Math.ceil(samples.length / hop);
  const powers = Float64Array.from(
    { length: frames },
    (_, f) => energy(samples, { start: f * hop, end: (f + 1) * hop }) / hop,
  );
  const threshold = powers.reduce((a, b) => Math.max(a, b), 0) * 10 ** (-floor / 10);
  if (threshold <= 0) return [];
  const spans: { start: number; end: number }[] = [];
  for (let f = 0; f < frames; f++) {
    if (powers[f]! < threshold) continue;
    const [start, end] = [f * hop, Math.min(samples.length, (f + 1) * hop)];
    const last = spans.at(-1);
    if (last && start - last.end <= join * sampleRate) last.end = end;
    else spans.push({ start, end });
  }
  return spans;
}

/** From the first to the last active frame; undefined for silence. */
export function activeSpan(samples: Float32Array, sampleRate: number, floor = 30): Span | undefined {
  const spans = activeSpans(samples, sampleRate, { floor });
  return spans.length === 0 ? undefined : { start: spans[0]!.start, end: spans.at(-1)!.end };
}

/** A raised-cosine fade in and out over `seconds` at either end, in place. */
export function fadeEnds(samples: Float32Array, sampleRate: number, seconds: number): void {
  const n = Math.min(Math.round(seconds * sampleRate), samples.length >> 1);
  for (let i = 0; i < n; i++) {
    const w = 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / n);
    samples[i] = samples[i]! * w;
    samples[samples.length - 1 - i] = samples[samples.length - 1 - i]! * w;
  }
}
