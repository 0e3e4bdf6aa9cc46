/** Sounds laid into a scene's time: discrete ones as often as wanted and beside the speech, continuous ones along it. */
import type { Random } from "../random.ts";
import { activeSpan, activeSpans, addAt, fadeEnds, fromDecibels, type Span } from "./levels.ts";
import { type Path, travel } from "./room.ts";
import { between, chance, shuffled } from "./scene-random.ts";

/** What sounds are laid into. */
export interface Stage {
  /** Samples of the scene. */
  readonly length: number;
  readonly sampleRate: number;
  /** Where there is speech: `heard` is without its softest sounds at either end. */
  readonly speech: { readonly whole: Span; readonly heard: Span } | undefined;
  readonly random: Random;
}

export interface Placed {
  /** What is heard of it, [length]. */
  readonly stem: Float32Array;
  /** The same without reverberation. */
  readonly direct: Float32Array;
  readonly spans: readonly Span[];
  /** The clip is one burst of sound, so that counting its copies is right. */
  readonly countable: boolean;
  /** Samples of the clip left out at its start. */
  readonly offset: number;
}

/** Seconds between sounds that are one after the other. */
const GAP = 0.15;
/** Longest share of a scene that one discrete sound takes; longer clips are cut. */
const LONGEST_EVENT = 0.5;

/**
 * A discrete sound, once or, where that can be counted, as often as drawn from `repeat`; fewer times where they do not
 * fit. Undefined where not even one does.
 */
export function placeEvent(
  clip: Float32Array,
  path: Path,
  repeat: readonly [number, number],
  stage: Stage,
): Placed | undefined {
  const { length, sampleRate, random } = stage;
  const longest = Math.round(LONGEST_EVENT * length);
  const dry = clip.slice(0, longest);
  if (clip.length > longest) fadeEnds(dry, sampleRate, 0.02);
  const countable = activeSpans(dry, sampleRate, { floor: 25, join: 0.1 }).length === 1;
  const { direct, wet } = travel(dry, path, sampleRate, random);
  const heard = activeSpan(wet, sampleRate);
  if (!heard) return undefined;
  const size = heard.end - heard.start;
  const starts = drawStarts(size, countable ? between(random, repeat) : 1, stage);
  if (!starts) return undefined;
  const stem = new Float32Array(length);
  const straight = new Float32Array(length);
  const spans = starts.map((start, i) => {
    // no two knocks are quite alike
    const jitter = i === 0 ? 1 : fromDecibels(random.uniform(-1, 1));
    addAt(stem, wet, start - heard.start, jitter);
    addAt(straight, direct, start - heard.start, jitter);
    return { start, end: Math.min(length, start + size) };
  });
  return { stem, direct: straight, spans, countable, offset: 0 };
}

/** Starts of `wanted` occurrences or fewer: all before, during or after the speech where they fit, anywhere else. */
function drawStarts(size: number, wanted: number, { length, sampleRate, speech, random }: Stage): number[] | undefined {
  const gap = Math.round(GAP * sampleRate);
  const edge = gap >> 2;
  const whole = { start: edge, end: length - edge };
  const places = speech
    ? shuffled(random, [
        { start: edge, end: speech.whole.start - gap },
        speech.heard,
        { start: speech.whole.end + gap, end: length - edge },
      ])
    : [whole];
  for (let n = wanted; n > 0; n--) {
    const rest = Array.from({ length: n - 1 }, () => gap + random.below(2 * gap));
    for (const { start, end } of n === 1 ? [...places, whole] : places) {
      const free = end - start - n * size - rest.reduce((a, b) => a + b, 0);
      if (free < 0) continue;
      let at = start + random.below(free + 1);
      return [0, ...rest].map((pause, i) => (at += i === 0 ? 0 : size + pause));
    }
  }
  return undefined;
}

/** A continuous sound over the whole scene or, with probability `partial`, a part of it. */
export function placeContinuous(clip: Float32Array, path: Path, partial: number, stage: Stage): Placed | undefined {
  const { length, sampleRate, random } = stage;
  const isPartial = chance(random, partial);
  const share = random.uniform(0.25, 0.5);
  const begins = isPartial && random.below(2) === 0 ? Math.round(share * length) : 0;
  const ends = isPartial && begins === 0 ? Math.round((1 - share) * length) : length;
  const needed = ends - begins;
  const offset = clip.length > needed ? random.below(clip.length - needed + 1) : 0;
  const dry = looped(clip.subarray(offset), needed, Math.round(0.05 * sampleRate));
  if (isPartial) fadeEnds(dry, sampleRate, 0.03);
  const { direct, wet } = travel(dry, path, sampleRate, random);
  const stem = laid(wet, begins, length);
  const span = activeSpan(stem, sampleRate);
  if (!span) return undefined;
  return { stem, direct: laid(direct, begins, length), spans: [span], countable: false, offset };
}

/** A sound laid into silence at sample `at`. */
export function laid(sound: Float32Array, at: number, length: number): Float32Array {
  const out = new Float32Array(length);
  addAt(out, sound, at);
  return out;
}

/** The first `length` samples of a clip, repeated with cross-fades of equal power where it is shorter. */
export function looped(clip: Float32Array, length: number, fade: number): Float32Array {
  if (clip.length >= length) return clip.slice(0, length);
  const overlap = Math.min(fade, clip.length >> 1);
  const out = new Float32Array(length);
  for (let at = 0; at < length; at += clip.length - overlap) {
    for (let i = 0; i < clip.length && at + i < length; i++) {
      const rise = at > 0 && i < overlap ? Math.sin((0.5 * Math.PI * (i + 0.5)) / overlap) : 1;
      const left = clip.length - 1 - i;
      const fall = left < overlap ? Math.sin((0.5 * Math.PI * (left + 0.5)) / overlap) : 1;
      out[at + i] = out[at + i]! + clip[i]! * rise * fall;
    }
  }
  return out;
}
