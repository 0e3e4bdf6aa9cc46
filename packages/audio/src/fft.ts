/**
 * Discrete Fourier transforms of sizes 2^a·3^b·5^c, in double precision.
 *
 * Whisper's window is 400 samples, which is no power of two, so this is a mixed-radix Stockham transform: each stage
 * splits the remaining length by one of the radices 4, 2, 3, 5 and writes its output already in order, so there is no
 * digit reversal. (C. Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7.)
 *
 * Audio is real. Two real signals a, b go through one complex transform as a + i·b; their spectra come apart again by
 * symmetry: A[k] = (Z[k] + conj Z[n-k]) / 2, B[k] = (Z[k] - conj Z[n-k]) / 2i. Callers here transform frames in pairs.
 */

interface Stage {
  radix: number;
  /** Length of the sub-transforms left after this stage. */
  m: number;
  /** Number of interleaved transforms at this stage. */
  stride: number;
  /** cos and -sin of 2π·p·k/(radix·m), at [p * radix + k]. */
  cos: Float64Array;
  sin: Float64Array;
}

/** A complex transform of one size. Not safe for overlapping calls: it owns scratch memory. */
export class Fft {
  readonly size: number;
  readonly #stages: Stage[] = [];
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /** @throws RangeError when the size has a prime factor above 5. */
  constructor(size: number) {
    this.size = size;
    let left = size;
    let stride = 1;
    while (left > 1) {
      const radix = left % 4 === 0 ? 4 : left % 2 === 0 ? 2 : left % 3 === 0 ? 3 : left % 5 === 0 ? 5 : 0;
      if (radix === 0) throw new RangeError(`an FFT of ${size}: expected a product of 2, 3 and 5`);
      const m = left / radix;
      const cos = new Float64Array(m * radix);
      const sin = new Float64Array(m * radix);
      for (let p = 0; p < m; p++) {
        for (let k = 0; k < radix; k++) {
          const angle = (-2 * Math.PI * p * k) / left;
          cos[p * radix + k] = Math.cos(angle);
          sin[p * radix + k] = Math.sin(angle);
        }
      }
      this.#stages.push({ radix, m, stride, cos, sin });
      left = m;
      stride *= radix;
    }
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
  }

  /** Replaces (re, im) by its transform X[k] = Σ x[j]·exp(-2πi·jk/size). */
  forward(re: Float64Array, im: Float64Array): void {
    let xr = re;
    let xi = im;
    let yr = this.#re;
    let yi = this.#im;
    for (const stage of this.#stages) {
      if (stage.radix === 4) radix4(stage, xr, xi, yr, yi);
      else if (stage.radix === 5) radix5(stage, xr, xi, yr, yi);
      else if (stage.radix === 2) radix2(stage, xr, xi, yr, yi);
      else radix3(stage, xr, xi, yr, yi);
      [xr, yr] = [yr, xr];
      [xi, yi] = [yi, xi];
    }
    if (xr !== re) {
      re.set(xr);
      im.set(xi);
    }
  }

  /** Replaces (re, im) by its inverse transform, scaled by 1/size. */
  inverse(re: Float64Array, im: Float64Array): void {
    // Swapping the real and the imaginary part turns a forward transform into an inverse one.
    this.forward(im, re);
    const scale = 1 / this.size;
    for (let i = 0; i < this.size; i++) {
      re[i]! *= scale;
      im[i]! *= scale;
    }
  }
}

type Pass = (stage: Stage, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array) => void;

const radix2: Pass = ({ m, stride, cos, sin }, xr, xi, yr, yi) => {
  for (let p = 0; p < m; p++) {
    const c1 = cos[2 * p + 1]!;
    const s1 = sin[2 * p + 1]!;
    let a = stride * p;
    let o = stride * 2 * p;
    for (let q = 0; q < stride; q++, a++, o++) {
      const b = a + stride * m;
      const dr = xr[a]! - xr[b]!;
      const di = xi[a]! - xi[b]!;
      yr[o] = xr[a]! + xr[b]!;
      yi[o] = xi[a]! + xi[b]!;
      yr[o + stride] = dr * c1 - di * s1;
      yi[o + stride] = dr * s1 + di * c1;
    }
  }
};

const radix4: Pass = ({ m, stride, cos, sin }, xr, xi, yr, yi) => {
  const step = stride * m;
  for (let p = 0; p < m; p++) {
    const c1 = cos[4 * p + 1]!;
    const s1 = sin[4 * p + 1]!;
    const c2 = cos[4 * p + 2]!;
    const s2 = sin[4 * p + 2]!;
    const c3 = cos[4 * p + 3]!;
    const s3 = sin[4 * p + 3]!;
    let a = stride * p;
    let o = stride * 4 * p;
    for (let q = 0; q < stride; q++, a++, o++) {
      const b = a + step;
      const c = b + step;
      const d = c + step;
      const sr = xr[a]! + xr[c]!;
      const si = xi[a]! + xi[c]!;
      const tr = xr[a]! - xr[c]!;
      const ti = xi[a]! - xi[c]!;
      const ur = xr[b]! + xr[d]!;
      const ui = xi[b]! + xi[d]!;
      // -i · (x[b] - x[d])
      const vr = xi[b]! - xi[d]!;
      const vi = xr[d]! - xr[b]!;
      yr[o] = sr + ur;
      yi[o] = si + ui;
      const e1r = tr + vr;
      const e1i = ti + vi;
      yr[o + stride] = e1r * c1 - e1i * s1;
      yi[o + stride] = e1r * s1 + e1i * c1;
      const e2r = sr - ur;
      const e2i = si - ui;
      yr[o + 2 * stride] = e2r * c2 - e2i * s2;
      yi[o + 2 * stride] = e2r * s2 + e2i * c2;
      const e3r = tr - vr;
      const e3i = ti - vi;
      yr[o + 3 * stride] = e3r * c3 - e3i * s3;
      yi[o + 3 * stride] = e3r * s3 + e3i * c3;
    }
  }
};

const SIN_60 = Math.sqrt(3) / 2;

const radix3: Pass = ({ m, stride, cos, sin }, xr, xi, yr, yi) => {
  const step = stride * m;
  for (let p = 0; p < m; p++) {
    const c1 = cos[3 * p + 1]!;
    const s1 = sin[3 * p + 1]!;
    const c2 = cos[3 * p + 2]!;
    const s2 = sin[3 * p + 2]!;
    let a = stride * p;
    let o = stride * 3 * p;
    for (let q = 0; q < stride; q++, a++, o++) {
      const b = a + step;
      const c = b + step;
      const sr = xr[b]! + xr[c]!;
      const si = xi[b]! + xi[c]!;
      const tr = xr[a]! - sr / 2;
      const ti = xi[a]! - si / 2;
      const ur = SIN_60 * (xi[b]! - xi[c]!);
      const ui = SIN_60 * (xr[c]! - xr[b]!);
      yr[o] = xr[a]! + sr;
      yi[o] = xi[a]! + si;
      yr[o + stride] = (tr + ur) * c1 - (ti + ui) * s1;
      yi[o + stride] = (tr + ur) * s1 + (ti + ui) * c1;
      yr[o + 2 * stride] = (tr - ur) * c2 - (ti - ui) * s2;
      yi[o + 2 * stride] = (tr - ur) * s2 + (ti - ui) * c2;
    }
  }
};

const COS_72 = Math.cos((2 * Math.PI) / 5);
const COS_144 = Math.cos((4 * Math.PI) / 5);
const SIN_72 = Math.sin((2 * Math.PI) / 5);
const SIN_144 = Math.sin((4 * Math.PI) / 5);

const radix5: Pass = ({ m, stride, cos, sin }, xr, xi, yr, yi) => {
  const step = stride * m;
  for (let p = 0; p < m; p++) {
    const t = 5 * p;
    let a = stride * p;
    let o = stride * 5 * p;
    for (let q = 0; q < stride; q++, a++, o++) {
      const b = a + step;
      const c = b + step;
      const d = c + step;
      const e = d + step;
      const ar = xr[a]!;
      const ai = xi[a]!;
      const s1r = xr[b]! + xr[e]!;
      const s1i = xi[b]! + xi[e]!;
      const d1r = xr[b]! - xr[e]!;
      const d1i = xi[b]! - xi[e]!;
      const s2r = xr[c]! + xr[d]!;
      const s2i = xi[c]! + xi[d]!;
      const d2r = xr[c]! - xr[d]!;
      const d2i = xi[c]! - xi[d]!;
      yr[o] = ar + s1r + s2r;
      yi[o] = ai + s1i + s2i;
      const m1r = ar + COS_72 * s1r + COS_144 * s2r;
      const m1i = ai + COS_72 * s1i + COS_144 * s2i;
      const m2r = ar + COS_144 * s1r + COS_72 * s2r;
      const m2i = ai + COS_144 * s1i + COS_72 * s2i;
      // -i · (SIN_72·d1 + SIN_144·d2) and -i · (SIN_144·d1 - SIN_72·d2)
      const n1r = SIN_72 * d1i + SIN_144 * d2i;
      const n1i = -(SIN_72 * d1r + SIN_144 * d2r);
      const n2r = SIN_144 * d1i - SIN_72 * d2i;
      const n2i = -(SIN_144 * d1r - SIN_72 * d2r);
      const o1 = o + stride;
      const o2 = o1 + stride;
      const o3 = o2 + stride;
      const o4 = o3 + stride;
      const b1r = m1r + n1r;
      const b1i = m1i + n1i;
      const b2r = m2r + n2r;
      const b2i = m2i + n2i;
      const b3r = m2r - n2r;
      const b3i = m2i - n2i;
      const b4r = m1r - n1r;
      const b4i = m1i - n1i;
      yr[o1] = b1r * cos[t + 1]! - b1i * sin[t + 1]!;
      yi[o1] = b1r * sin[t + 1]! + b1i * cos[t + 1]!;
      yr[o2] = b2r * cos[t + 2]! - b2i * sin[t + 2]!;
      yi[o2] = b2r * sin[t + 2]! + b2i * cos[t + 2]!;
      yr[o3] = b3r * cos[t + 3]! - b3i * sin[t + 3]!;
      yi[o3] = b3r * sin[t + 3]! + b3i * cos[t + 3]!;
      yr[o4] = b4r * cos[t + 4]! - b4i * sin[t + 4]!;
      yi[o4] = b4r * sin[t + 4]! + b4i * cos[t + 4]!;
    }
  }
};
