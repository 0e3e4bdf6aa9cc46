/**
 * Whether audio that was decoded in chunks can be heard to be: how rough it is where chunks meet, in the terms of what the
 * same decoder makes in one piece. Two things would be heard: a step from one sample to the next (a click), and a spectrum
 * that changes at once (another sound). Spectral flux with compressed magnitudes, half-wave rectified, is the measure of
 * onset detection (S. Böck and G. Widmer, DAFx 2013).
 */
import { forEachPowerSpectrum, hannWindow } from "@uat/audio";
import { EvaluationError } from "../errors.ts";

/** Samples of a frame and from one to the next: 23 and 6 ms at 22.05 kHz. */
const FRAME = 512;
const HOP = 128;
/** Samples after a join that may still tell of it: cross-fades last a token. */
const REACH = 896;
/** Magnitudes count as ln(1 + COMPRESSION · magnitude), so that a click in a quiet place is not outdone by loud ones. */
const COMPRESSION = 10;
/** Share of the places of the whole that are smoother than its roughest, which chance alone decides. */
const OWN = 0.999;

export interface Seams {
  /** Places where chunks meet. */
  readonly joins: number;
  /** Largest step of a sample at a join ÷ 99.9th percentile of the steps of the audio in one piece. Up to 1 is no click. */
  readonly step: number;
  /** Largest spectral flux at a join ÷ 99.9th percentile of the fluxes of the audio in one piece. */
  readonly flux: number;
  /** Median over the joins of the share of places in one piece with less flux: 0.5 where joins are like any other place. */
  readonly rank: number;
  /** The same of the audio in one piece at the same places: more than 0.5 where joins happen to fall on beats. */
  readonly ownRank: number;
}

/**
 * @param chunks as they were decoded.
 * @param whole the same codes decoded in one piece.
 * @throws EvaluationError for fewer than two chunks and for audio shorter than a few frames.
 */
export function measureSeams(chunks: readonly Float32Array[], whole: Float32Array): Seams {
  const streamed = new Float32Array(chunks.reduce((n, chunk) => n + chunk.length, 0));
  const joins: number[] = [];
  let at = 0;
  for (const chunk of chunks) {
    if (at > 0) joins.push(at);
    streamed.set(chunk, at);
    at += chunk.length;
  }
  const inside = joins.filter((join) => join >= FRAME && join < streamed.length - FRAME - REACH);
  if (inside.length === 0 || whole.length < 4 * (FRAME + REACH))
    throw new EvaluationError(
      `${chunks.length} chunks of ${streamed.length} samples: expected a join ${FRAME + REACH} samples from either end; decode more`,
    );
  const steps = (samples: Float32Array) =>
    Float32Array.from({ length: samples.length - 1 }, (_, i) => Math.abs(samples[i + 1]! - samples[i]!));
  const ownSteps = steps(whole).sort();
  const stepsNow = steps(streamed);
  const own = roughness(fluxes(whole));
  const ownFluxes = own.slice().sort();
  const rough = roughness(fluxes(streamed));
  // the frame that ends with the join is the first that a change can be seen after
  const places = inside.map((join) => Math.floor((join - FRAME) / HOP));
  const atJoins = places.map((place) => rough[place]!);
  const medianRank = (fluxes: readonly number[]) =>
    fluxes.map((flux) => lower(ownFluxes, flux) / ownFluxes.length).sort((a, b) => a - b)[
      Math.floor(fluxes.length / 2)
    ]!;
  return {
    joins: inside.length,
    step: Math.max(...inside.map((join) => stepsNow[join - 1]!)) / quantile(ownSteps, OWN),
    flux: Math.max(...atJoins) / quantile(ownFluxes, OWN),
    rank: medianRank(atJoins),
    // decoders may give a few samples more or less in pieces
    ownRank: medianRank(places.map((place) => own[Math.min(place, own.length - 1)]!)),
  };
}

/** Flux from each frame to the next, a mean over bins. */
function fluxes(samples: Float32Array): Float32Array {
  const frames = Math.floor((samples.length - FRAME) / HOP) + 1;
  const out = new Float32Array(frames - 1);
  let before = new Float32Array(FRAME / 2 + 1);
  forEachPowerSpectrum(samples, { nFft: FRAME, hop: HOP, window: hannWindow(FRAME), frames }, (frame, power) => {
    const now = Float32Array.from(power, (p) => Math.log(1 + COMPRESSION * Math.sqrt(p)));
    if (frame > 0) out[frame - 1] = now.reduce((sum, x, k) => sum + Math.max(0, x - before[k]!), 0) / now.length;
    before = now;
  });
  return out;
}

/** The largest of the fluxes while a place and what follows it pass through a frame, from the one that ends before it. */
function roughness(flux: Float32Array): Float32Array {
  const span = (FRAME + REACH) / HOP + 1;
  return Float32Array.from({ length: Math.max(1, flux.length - span + 1) }, (_, i) =>
    flux.subarray(i, i + span).reduce((most, x) => Math.max(most, x), 0),
  );
}

const quantile = (sorted: Float32Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;

const lower = (sorted: Float32Array, value: number): number => {
  const found = sorted.findIndex((x) => x >= value);
  return found < 0 ? sorted.length : found;
};
