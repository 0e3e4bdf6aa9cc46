/**
 * What transmission does to audio, imitated without any real codec: the loss of high frequencies, companding and coarse
 * steps. MP3's or Opus's masking, pre-echo and packet loss are not imitated.
 */
import { resample } from "../resample.ts";

/** Nothing above half of `rate` Hz: down to that rate and back. */
export function bandLimit(samples: Float32Array, sampleRate: number, rate: number): Float32Array {
  if (rate >= sampleRate) return samples;
  return resample(resample(samples, sampleRate, rate), rate, sampleRate).slice(0, samples.length);
}

const MU = 255;

/** 8 bits by the µ-law curve (ITU-T G.711 in its continuous form): fine steps for quiet samples, coarse ones for loud. */
export function muLaw(samples: Float32Array): Float32Array {
  return samples.map((value) => {
    const magnitude = Math.min(1, Math.abs(value));
    const code = Math.round((127 * Math.log1p(MU * magnitude)) / Math.log1p(MU));
    return (Math.sign(value) * Math.expm1((code / 127) * Math.log1p(MU))) / MU;
  });
}

/** Even steps of 2^(1 − bits), clipped to full scale. */
export function quantizeBits(samples: Float32Array, bits: number): Float32Array {
  const steps = 2 ** (bits - 1);
  return samples.map((value) => Math.max(-steps, Math.min(steps - 1, Math.round(value * steps))) / steps);
}

/** A telephone: 4 kHz of band and µ-law. */
export const telephone = (samples: Float32Array, sampleRate: number): Float32Array =>
  muLaw(bandLimit(samples, sampleRate, 8000));
