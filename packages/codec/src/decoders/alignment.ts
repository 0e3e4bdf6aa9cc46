/** How many mel frames tokens become, and which token each frame is stretched from. Float32 as upstream: it decides ties. */

/** Upstream's flow counts by these, whatever the configuration says. */
const SAMPLE_RATE = 22050;
const HOP_LENGTH = 256;

/** Tokens whose frames are decoded twice and cross-faded between two chunks of a stream. */
export const OVERLAP_TOKENS = 5;

const f = Math.fround;

/** Mel frames of `tokens` tokens at `rate` tokens a second. */
export const melFrames = (tokens: number, rate: number): number =>
  Math.trunc(f(f(f(f(tokens) / f(rate)) * SAMPLE_RATE) / HOP_LENGTH));

/** Mel frames of the overlap, in double precision as upstream. */
export const overlapFrames = (rate: number): number => Math.trunc(((OVERLAP_TOKENS / rate) * SAMPLE_RATE) / HOP_LENGTH);

/** The token of each frame, nearest-neighbour: min(floor(t · tokens/frames), tokens − 1). */
export function sourceTokens(tokens: number, frames: number): Int32Array {
  const scale = f(tokens / frames);
  return Int32Array.from({ length: frames }, (_, t) => Math.min(Math.floor(f(t * scale)), tokens - 1));
}

/** Between which two sub-frames each mel frame lies, and how far from the first to the second. */
export interface FrameBlend {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly share: Float32Array;
}

/** Frames by their middles, on the grid of `parts` sub-frames a token, also by their middles; the ends are held. */
export function frameBlend(tokens: number, frames: number, parts: number, rate: number): FrameBlend {
  const last = tokens * parts - 1;
  const blend = { lower: new Int32Array(frames), upper: new Int32Array(frames), share: new Float32Array(frames) };
  for (let t = 0; t < frames; t++) {
    const seconds = ((t + 0.5) * HOP_LENGTH) / SAMPLE_RATE;
    const at = Math.min(Math.max(seconds * rate * parts - 0.5, 0), last);
    blend.lower[t] = Math.floor(at);
    blend.upper[t] = Math.min(blend.lower[t]! + 1, last);
    blend.share[t] = at - blend.lower[t]!;
  }
  return blend;
}
