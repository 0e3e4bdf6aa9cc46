/** Cuts audio of any length into windows that Whisper hears at once. */

/** Sample values averaged to find a quiet place: 50 ms at 16 kHz. */
const QUIET = 800;

/**
 * Windows of exactly `size` samples, filled up with zeros. Audio that goes on is cut at the quietest 50 ms of the last
 * sixth of a window, so that words stay whole. Audio without samples gives no window.
 */
export function* speechWindows(samples: Float32Array, size: number): Generator<Float32Array> {
  for (let start = 0; start < samples.length; ) {
    const left = samples.length - start;
    const length = left <= size ? left : quietest(samples, start + Math.floor((size * 5) / 6), start + size) - start;
    const window = new Float32Array(size);
    window.set(samples.subarray(start, start + length));
    yield window;
    start += length;
  }
}

/** The middle of the 50 ms with least energy between two samples. */
function quietest(samples: Float32Array, from: number, to: number): number {
  let energy = 0;
  for (let i = from; i < Math.min(to, from + QUIET); i++) energy += (samples[i] as number) ** 2;
  let [best, least] = [from, energy];
  for (let i = from; i + QUIET < to; i++) {
    energy += (samples[i + QUIET] as number) ** 2 - (samples[i] as number) ** 2;
    if (energy < least) [best, least] = [i + 1, energy];
  }
  return Math.min(to, best + QUIET / 2);
}
