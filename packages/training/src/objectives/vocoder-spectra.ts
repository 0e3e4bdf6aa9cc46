/** Spectra of waveforms inside a graph, differentiable: what vocoders are compared by. */
import {
  DECODER_HOP_LENGTH,
  DECODER_MELS,
  DECODER_N_FFT,
  decoderMelFilters,
  hannWindow,
  type MelFilters,
} from "@uat/audio";
import type { Dim, Graph, Tensor } from "@uat/graph";

/** A short-time Fourier transform: its size, the samples between frames, and those under the Hann window. */
export interface SpectrumResolution {
  readonly size: number;
  readonly hop: number;
  readonly window: number;
}

/** As constants: real and imaginary part of each bin's windowed wave, [2 · (size / 2 + 1), 1, window]. */
function fourierKernels(graph: Graph, { size, window }: SpectrumResolution): Tensor {
  const bins = size / 2 + 1;
  const shape = hannWindow(window);
  const kernels = new Float32Array(2 * bins * window);
  for (let k = 0; k < bins; k++) {
    for (let n = 0; n < window; n++) {
      const angle = (2 * Math.PI * ((k * n) % size)) / size;
      kernels[k * window + n] = shape[n]! * Math.cos(angle);
      kernels[(bins + k) * window + n] = -shape[n]! * Math.sin(angle);
    }
  }
  return graph.constant(kernels, [2 * bins, 1, window]);
}

/** re² + im² of windowed frames: x [batch, samples], its ends mirrored by `margin` → [batch, bins, frames]. */
function powerSpectrum(x: Tensor, resolution: SpectrumResolution, margin: number): Tensor {
  const [batch, samples] = x.shape as [Dim, Dim];
  const bins = resolution.size / 2 + 1;
  const parts = x
    .reshape([batch, 1, samples])
    .pad(2, margin, margin, "reflect")
    .conv1d(fourierKernels(x.graph, resolution), undefined, { stride: resolution.hop });
  const [re, im] = [parts.slice(1, 0, bins), parts.slice(1, bins, 2 * bins)];
  return re.mul(re).add(im.mul(im));
}

/** Powers below this count as this: the root's slope is infinite at zero. */
const SMALLEST_POWER = 1e-7;

/**
 * Magnitudes of centred frames, as torch.stft's with `center` and a window centred in `size`:
 * x [batch, samples] → [batch, size / 2 + 1, samples / hop + 1]. The signal must be longer than half a window.
 */
export const magnitudes = (x: Tensor, resolution: SpectrumResolution): Tensor =>
  powerSpectrum(x, resolution, resolution.window / 2)
    .clamp(SMALLEST_POWER)
    .sqrt();

/** The filter bank as a dense matrix [mels, bins]. */
function denseFilters({ mels, bins, starts, weights }: MelFilters): Float32Array {
  const dense = new Float32Array(mels * bins);
  for (let band = 0; band < mels; band++) dense.set(weights[band]!, band * bins + starts[band]!);
  return dense;
}

/** The decoder's log-mel, as `decoderMel` of @uat/audio: x [batch, samples] → [batch, mels, samples / hop]. */
export function logMel(x: Tensor): Tensor {
  const resolution = { size: DECODER_N_FFT, hop: DECODER_HOP_LENGTH, window: DECODER_N_FFT };
  const filters = decoderMelFilters();
  const spectrum = powerSpectrum(x, resolution, (DECODER_N_FFT - DECODER_HOP_LENGTH) / 2)
    .add(1e-9)
    .sqrt();
  return x.graph.constant(denseFilters(filters), [DECODER_MELS, filters.bins]).matmul(spectrum).clamp(1e-5).log();
}
