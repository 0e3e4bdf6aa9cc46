/** Loudness over time. */

/**
 * Root mean square of each frame [floor(samples / hop)]: of `window` samples about its middle, which lies hop/2 after
 * t·hop as that of {@link trackPitch}'s frames. What lies beyond the ends counts as zero.
 */
export function frameEnergy(
  samples: Float32Array,
  { hop, window = 4 * hop }: { readonly hop: number; readonly window?: number },
): Float32Array {
  // sums up to each sample, so that the cost does not depend on the window
  const squares = new Float64Array(samples.length + 1);
  for (let i = 0; i < samples.length; i++) squares[i + 1] = squares[i]! + samples[i]! ** 2;
  return Float32Array.from({ length: Math.floor(samples.length / hop) }, (_, t) => {
    const start = t * hop + (hop >> 1) - (window >> 1);
    const from = Math.max(0, start);
    const to = Math.min(samples.length, start + window);
    return Math.sqrt(Math.max(0, squares[to]! - squares[from]!) / window);
  });
}
