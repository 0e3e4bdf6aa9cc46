/** Energy, level and peak of samples. */

/** Samples [start, end) of a signal. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Sum of squares over a span. */
export function energy(samples: Float32Array, { start, end }: Span = { start: 0, end: samples.length }): number {
  let sum = 0;
  for (let i = Math.max(0, start); i < Math.min(end, samples.length); i++) sum += samples[i]! * samples[i]!;
  return sum;
}

/** Root mean square over one or more spans, pauses within them included; 0 for nothing. */
export function level(samples: Float32Array, spans: readonly Span[] = [{ start: 0, end: samples.length }]): number {
  let sum = 0;
  let count = 0;
  for (const span of spans) {
    sum += energy(samples, span);
    count += Math.max(0, Math.min(span.end, samples.length) - Math.max(0, span.start));
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

export function peak(samples: Float32Array): number {
  let most = 0;
  for (let i = 0; i < samples.length; i++) most = Math.max(most, Math.abs(samples[i]!));
  return most;
}

export function scaled(samples: Float32Array, factor: number): Float32Array {
  const out = new Float32Array(samples.length);
  for (let i = 0; i < out.length; i++) out[i] = samples[i]! * factor;
  return out;
}
