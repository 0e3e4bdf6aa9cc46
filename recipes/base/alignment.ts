/**
 * How 25 tokens a second meet 86.13 mel frames a second.
 *
 * Every token is given four sub-frames, so that sub-frames lie on an even grid of 100 a second: sub-frame s is centred
 * at (s + ½)/100 s. The regression predicts the 4 × 80 values of a token from the code vectors around it (a plain
 * convolution over tokens), and mel frame t, centred at (t + ½)·256/22050 s, takes the sub-frame it falls in (a gather).
 */
export const TOKEN_RATE = 25;
export const SUBFRAMES = 4;
export const MEL_BINS = 80;
export const MEL_RATE = 22050 / 256;
/** Tokens on either side that the regression sees. */
export const CONTEXT = 3;
const SUBFRAME_RATE = TOKEN_RATE * SUBFRAMES;

/** Mel frames that stand for `tokens` tokens. */
export function melFrames(tokens: number): number {
  return Math.floor((tokens / TOKEN_RATE) * MEL_RATE);
}

/** The sub-frame each mel frame takes, for `tokens` tokens: indices below 4 · tokens. */
export function subframeOfFrame(tokens: number): Int32Array {
  const last = tokens * SUBFRAMES - 1;
  return Int32Array.from({ length: melFrames(tokens) }, (_, t) =>
    Math.min(last, Math.floor(((t + 0.5) / MEL_RATE) * SUBFRAME_RATE)),
  );
}

/**
 * Training targets: log-mel [80, frames] read at the centre of every sub-frame by linear interpolation,
 * [tokens, 4 · 80].
 */
export function subframeTargets(mel: Float32Array, frames: number, tokens: number): Float32Array {
  const out = new Float32Array(tokens * SUBFRAMES * MEL_BINS);
  for (let s = 0; s < tokens * SUBFRAMES; s++) {
    const position = Math.min(frames - 1, Math.max(0, ((s + 0.5) / SUBFRAME_RATE) * MEL_RATE - 0.5));
    const before = Math.floor(position);
    const after = Math.min(frames - 1, before + 1);
    const share = position - before;
    for (let b = 0; b < MEL_BINS; b++) {
      out[s * MEL_BINS + b] = (1 - share) * mel[b * frames + before]! + share * mel[b * frames + after]!;
    }
  }
  return out;
}

/** Code vectors [tokens, d] → windows [tokens, (2 · CONTEXT + 1) · d], oldest first, zeros past either end. */
export function windows(vectors: Float32Array, tokens: number, d: number): Float32Array {
  const width = 2 * CONTEXT + 1;
  const out = new Float32Array(tokens * width * d);
  for (let t = 0; t < tokens; t++) {
    for (let w = 0; w < width; w++) {
      const from = t + w - CONTEXT;
      if (from >= 0 && from < tokens) out.set(vectors.subarray(from * d, (from + 1) * d), (t * width + w) * d);
    }
  }
  return out;
}

/** Regression weights [4 · 80, 7 · d] (windows oldest first) as a convolution's [4 · 80, d, 7]. */
export function asConvolution(weight: Float32Array, outputs: number, d: number): Float32Array {
  const width = 2 * CONTEXT + 1;
  const out = new Float32Array(weight.length);
  for (let o = 0; o < outputs; o++) {
    for (let w = 0; w < width; w++) {
      for (let j = 0; j < d; j++) out[(o * d + j) * width + w] = weight[(o * width + w) * d + j]!;
    }
  }
  return out;
}
