/**
 * Scale-invariant signal-to-distortion ratio (J. Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019): what of
 * a copy is the original, at any gain, against the rest. Waveforms are compared, so a vocoder that invents its phases
 * scores low however good it sounds.
 */

/**
 * In dB, both without their means, over the common length. −∞ where nothing of the original is in the copy; NaN where
 * either is silent; ∞ for a scaled copy.
 */
export function siSdr(reference: Float32Array, degraded: Float32Array): number {
  const n = Math.min(reference.length, degraded.length);
  const mean = (x: Float32Array) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x[i] as number;
    return sum / n;
  };
  const [mx, my] = [mean(reference), mean(degraded)];
  let [xx, xy] = [0, 0];
  for (let i = 0; i < n; i++) {
    const x = (reference[i] as number) - mx;
    xx += x * x;
    xy += x * ((degraded[i] as number) - my);
  }
  const gain = xy / xx;
  let noise = 0;
  for (let i = 0; i < n; i++) noise += (gain * ((reference[i] as number) - mx) - ((degraded[i] as number) - my)) ** 2;
  return 10 * Math.log10((gain * gain * xx) / noise);
}
