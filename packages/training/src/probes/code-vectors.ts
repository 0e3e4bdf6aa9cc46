/**
 * The vectors that stand for codes: what a probe sees of a clip is its codebook's row for each token, frame by frame,
 * and nothing else.
 */
import { TrainingError } from "../errors.ts";

/** A codebook. */
export interface CodeVectors {
  /** Codes. */
  readonly size: number;
  /** Values of a vector. */
  readonly dimension: number;
  /** [size, dimension] */
  readonly data: Float32Array;
}

/** @throws TrainingError when the values are not whole vectors, or not all finite. */
export function codeVectors(data: Float32Array, dimension: number): CodeVectors {
  const size = data.length / dimension;
  if (!(Number.isInteger(size) && size > 0))
    throw new TrainingError(`a codebook of ${data.length} values; expected vectors of ${dimension} values each`);
  const broken = data.findIndex((v) => !Number.isFinite(v));
  if (broken >= 0)
    throw new TrainingError(
      `the vector of code ${Math.floor(broken / dimension)} holds ${data[broken]}; expected finite numbers`,
    );
  return { size, dimension, data };
}

/** How often each code occurs: [size]. @throws TrainingError for a code that is not in the codebook. */
export function countCodes(clips: Iterable<ArrayLike<number>>, size: number): Float64Array {
  const counts = new Float64Array(size);
  for (const codes of clips) {
    for (let t = 0; t < codes.length; t++) {
      const code = codes[t] as number;
      if (!(Number.isInteger(code) && code >= 0 && code < size))
        throw new TrainingError(`code ${t} of a clip is ${code}; expected whole numbers from 0 to ${size - 1}`);
      counts[code]!++;
    }
  }
  return counts;
}

/** How vectors are moved and stretched, dimension by dimension. */
export interface Standardization {
  readonly mean: Float64Array;
  /** 1 / deviation; 0 in a dimension that does not vary. */
  readonly scale: Float64Array;
}

/** What makes mean 0 and deviation 1 of each dimension, a vector counting as often as `counts` [size] says. */
export function standardizationOf({ size, dimension, data }: CodeVectors, counts: ArrayLike<number>): Standardization {
  let total = 0;
  for (let k = 0; k < size; k++) total += counts[k]!;
  const mean = new Float64Array(dimension);
  const square = new Float64Array(dimension);
  for (let k = 0; k < size; k++) {
    if (counts[k] === 0) continue;
    for (let j = 0; j < dimension; j++) mean[j]! += (counts[k]! / total) * data[k * dimension + j]!;
  }
  for (let k = 0; k < size; k++) {
    if (counts[k] === 0) continue;
    for (let j = 0; j < dimension; j++) square[j]! += (counts[k]! / total) * (data[k * dimension + j]! - mean[j]!) ** 2;
  }
  const scale = square.map((v, j) => (Math.sqrt(v) > 1e-6 * Math.abs(mean[j]!) ? 1 / Math.sqrt(v) : 0));
  return { mean, scale };
}

/**
 * The codebook standardised over the tokens counted. It is part of the linear map that a probe learns, and lets one step
 * width and one penalty fit all dimensions.
 */
export function standardizeByUse(vectors: CodeVectors, counts: ArrayLike<number>): CodeVectors {
  const { dimension, data } = vectors;
  const { mean, scale } = standardizationOf(vectors, counts);
  const result = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) result[i] = (data[i]! - mean[i % dimension]!) * scale[i % dimension]!;
  return { ...vectors, data: result };
}
