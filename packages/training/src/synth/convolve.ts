/** Linear convolution by overlap-add of Fourier transforms (Stockham, "High-speed convolution and correlation", 1966). */
import { Fft } from "@uat/audio";

const transforms = new Map<number, Fft>();

function transformOf(size: number): Fft {
  const known = transforms.get(size) ?? new Fft(size);
  transforms.set(size, known);
  return known;
}

/** `signal` * `kernel`: signal.length + kernel.length − 1 samples; empty where either is. */
export function convolve(signal: Float32Array, kernel: Float32Array): Float32Array {
  if (signal.length === 0 || kernel.length === 0) return new Float32Array(0);
  let size = 1024;
  while (size < 2 * kernel.length || size < Math.min(32768, signal.length + kernel.length)) size *= 2;
  const fft = transformOf(size);
  const block = size - kernel.length + 1;
  const kr = new Float64Array(size);
  const ki = new Float64Array(size);
  kr.set(kernel);
  fft.forward(kr, ki);
  const sum = new Float64Array(signal.length + kernel.length - 1);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  // the kernel is real: two blocks travel as the real and the imaginary part of one transform
  for (let at = 0; at < signal.length; at += 2 * block) {
    re.fill(0);
    im.fill(0);
    re.set(signal.subarray(at, at + block));
    im.set(signal.subarray(at + block, at + 2 * block));
    fft.forward(re, im);
    for (let k = 0; k < size; k++) {
      const r = re[k]! * kr[k]! - im[k]! * ki[k]!;
      im[k] = re[k]! * ki[k]! + im[k]! * kr[k]!;
      re[k] = r;
    }
    fft.inverse(re, im);
    for (let i = 0; i < size && at + i < sum.length; i++) sum[at + i]! += re[i]!;
    for (let i = 0; i < size && at + block + i < sum.length; i++) sum[at + block + i]! += im[i]!;
  }
  return Float32Array.from(sum);
}
