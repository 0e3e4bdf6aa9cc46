/** A log-mel spectrogram and the few moves that decoders make along its time axis. */
import { joinSamples } from "./join.ts";

/** Bins × frames, row-major, natural logarithm. */
export interface Mel {
  readonly data: Float32Array;
  readonly bins: number;
  readonly frames: number;
  /** Pitch [frames] in Hz, 0 where unvoiced; where it is known beside the mel. */
  readonly f0?: Float32Array | undefined;
}

export const emptyMel = (bins: number): Mel => ({ data: new Float32Array(0), bins, frames: 0 });

/** Frames start … end. */
export function sliceMel(mel: Mel, start: number, end = mel.frames): Mel {
  if (start === 0 && end === mel.frames) return mel;
  const frames = end - start;
  const data = new Float32Array(mel.bins * frames);
  for (let b = 0; b < mel.bins; b++)
    data.set(mel.data.subarray(b * mel.frames + start, b * mel.frames + end), b * frames);
  return { data, bins: mel.bins, frames, f0: mel.f0?.slice(start, end) };
}

/** The last `frames` frames, or all when there are fewer. */
export const lastFrames = (mel: Mel, frames: number): Mel => sliceMel(mel, Math.max(0, mel.frames - frames));

/** One after another in time. */
export function concatMel(...parts: readonly Mel[]): Mel {
  const { bins } = parts[0] as Mel;
  const frames = parts.reduce((n, p) => n + p.frames, 0);
  const data = new Float32Array(bins * frames);
  for (let b = 0; b < bins; b++) {
    let at = b * frames;
    for (const p of parts) {
      data.set(p.data.subarray(b * p.frames, (b + 1) * p.frames), at);
      at += p.frames;
    }
  }
  const spoken = parts.filter((p) => p.frames > 0);
  const f0 = spoken.every((p) => p.f0) ? joinSamples(...spoken.map((p) => p.f0 as Float32Array)) : undefined;
  return { data, bins, frames, f0 };
}

/**
 * `mel` whose first frames are weighted sums with those of `before`: mel·rising + before·falling. Pitch is weighed by its
 * logarithm; where only one of the two is voiced, `before` holds until they agree: what began voiced does not stop at once.
 */
export function crossFade(mel: Mel, before: Mel, rising: Float64Array, falling: Float64Array): Mel {
  const data = mel.data.slice();
  for (let b = 0; b < mel.bins; b++) {
    for (let t = 0; t < before.frames; t++) {
      const i = b * mel.frames + t;
      data[i] =
        (data[i] as number) * (rising[t] as number) +
        (before.data[b * before.frames + t] as number) * (falling[t] as number);
    }
  }
  return { ...mel, data, f0: mel.f0 && before.f0 && fadedPitch(mel.f0, before.f0, rising, falling) };
}

function fadedPitch(f0: Float32Array, before: Float32Array, rising: Float64Array, falling: Float64Array): Float32Array {
  const faded = f0.slice();
  let agreed = false;
  for (let t = 0; t < before.length; t++) {
    const [now, was] = [f0[t] as number, before[t] as number];
    agreed ||= now > 0 === was > 0;
    if (!agreed) faded[t] = was;
    else if (now > 0 && was > 0) faded[t] = now ** (rising[t] as number) * was ** (falling[t] as number);
  }
  return faded;
}
