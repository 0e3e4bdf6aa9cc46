/**
 * Short-time Fourier transforms as convolutions with fixed kernels (ONNX has no usable inverse): periodic Hann window,
 * centred frames.
 */
import type { Graph, Tensor } from "@uat/graph";

/** Periodic Hann window. */
export const hannWindow = (size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));

/**
 * x [batch, 1, samples] → [batch, size + 2, samples / hop + 1]: the real parts of size/2 + 1 bins, then the imaginary
 * ones. The ends are extended by reflection.
 */
export function stft(x: Tensor, size: number, hop: number): Tensor {
  const window = hannWindow(size);
  const bins = size / 2 + 1;
  const kernels = new Float32Array(2 * bins * size);
  for (let k = 0; k < bins; k++) {
    for (let n = 0; n < size; n++) {
      const angle = (2 * Math.PI * ((k * n) % size)) / size;
      kernels[k * size + n] = (window[n] as number) * Math.cos(angle);
      kernels[(bins + k) * size + n] = -(window[n] as number) * Math.sin(angle);
    }
  }
  const extended = x.pad(2, size / 2, size / 2, "reflect");
  return extended.conv1d(x.graph.constant(kernels, [2 * bins, 1, size]), undefined, { stride: hop });
}

/**
 * Real and imaginary parts [1, size + 2, frames] → [1, 1, (frames − 1)·hop], divided by the overlapped squared window.
 * Imaginary parts of the first and last bin do not count, as in a real inverse transform.
 */
export function inverseStft(spectrum: Tensor, size: number, hop: number): Tensor {
  const { graph } = spectrum;
  const window = hannWindow(size);
  const bins = size / 2 + 1;
  const kernels = new Float32Array(2 * bins * size);
  for (let k = 0; k < bins; k++) {
    const edge = k === 0 || k === bins - 1;
    for (let n = 0; n < size; n++) {
      const angle = (2 * Math.PI * ((k * n) % size)) / size;
      const scale = ((edge ? 1 : 2) * (window[n] as number)) / size;
      kernels[k * size + n] = scale * Math.cos(angle);
      kernels[(bins + k) * size + n] = edge ? 0 : -scale * Math.sin(angle);
    }
  }
  const placement = { stride: hop, padding: size / 2 };
  const overlapped = spectrum.convTranspose1d(graph.constant(kernels, [2 * bins, 1, size]), undefined, placement);
  return overlapped.div(windowSquareSum(graph, spectrum, window, placement));
}

/** The squared window overlapped as the frames are: [1, 1, samples]. */
function windowSquareSum(
  graph: Graph,
  spectrum: Tensor,
  window: Float64Array,
  placement: { stride: number; padding: number },
): Tensor {
  const ones = graph
    .constant(1)
    .reshape([1, 1, 1])
    .expand([1, 1, spectrum.dim(2)]);
  const squares = graph.constant(
    Float32Array.from(window, (w) => w * w),
    [1, 1, window.length],
  );
  return ones.convTranspose1d(squares, undefined, placement);
}
