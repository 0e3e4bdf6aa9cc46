/**
 * A picture of many-dimensional rows: their first two principal components (Pearson, 1901). There are far fewer clips
 * than codes, so the components come from the products of the rows with each other ([rows, rows]) by orthogonal
 * iteration.
 */
import type { Matrix } from "./matrix.ts";
import { dot, nonZeros } from "./sparse.ts";

export interface Projection {
  /** [rows, 2]: each row's place along the two directions of largest variance; their signs are arbitrary. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Share of the variance that lies along either direction. */
  readonly explained: readonly [number, number];
}

const ITERATIONS = 300;
const TOLERANCE = 1e-12;

export function principalPlane(m: Matrix): Projection {
  const n = m.rows;
  const products = centredProducts(m);
  let total = 0;
  for (let i = 0; i < n; i++) total += products[i * n + i]!;
  const first = leadingVector(products, n, undefined);
  const second = leadingVector(products, n, first.vector);
  const place = ({ vector, value }: Eigen, i: number) => vector[i]! * Math.sqrt(Math.max(0, value));
  return {
    points: Array.from({ length: n }, (_, i) => [place(first, i), place(second, i)] as const),
    explained: total > 0 ? [first.value / total, second.value / total] : [0, 0],
  };
}

/** Products of the rows less their mean: doubly centred Gram matrix [rows, rows]. */
function centredProducts(m: Matrix): Float64Array {
  const n = m.rows;
  const used = nonZeros(m);
  const products = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const [a, b] = used[i]!.length < used[j]!.length ? [i, j] : [j, i];
      const product = dot(used[a]!, m.data, a * m.columns, m.data, b * m.columns);
      products[i * n + j] = product;
      products[j * n + i] = product;
    }
  const means = new Float64Array(n);
  let mean = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) means[i]! += products[i * n + j]! / n;
    mean += means[i]! / n;
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) products[i * n + j]! += mean - means[i]! - means[j]!;
  return products;
}

interface Eigen {
  readonly vector: Float64Array;
  readonly value: number;
}

/** Largest eigenvalue of a symmetric matrix and its vector, among those at right angles to `excluded`. */
function leadingVector(matrix: Float64Array, n: number, excluded: Float64Array | undefined): Eigen {
  // any start that is not at right angles to the answer; a fixed one keeps pictures the same
  let vector = normalised(
    Float64Array.from({ length: n }, (_, i) => Math.sin(i + 1)),
    excluded,
  );
  let value = 0;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const product = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += matrix[i * n + j]! * vector[j]!;
      product[i] = sum;
    }
    const last = value;
    value = vector.reduce((sum, v, i) => sum + v * product[i]!, 0);
    const next = normalised(product, excluded);
    const moved = vector.reduce((sum, v, i) => sum + (v - next[i]!) ** 2, 0);
    vector = next;
    if (moved < TOLERANCE ** 2 || (Math.abs(value - last) <= TOLERANCE ** 2 * Math.abs(value) && iteration > 0)) break;
  }
  return { vector, value };
}

/** Length 1, at right angles to `excluded`; zeros stay zeros. */
function normalised(vector: Float64Array, excluded: Float64Array | undefined): Float64Array {
  const along = excluded ? vector.reduce((sum, v, i) => sum + v * excluded[i]!, 0) : 0;
  const rest = excluded ? vector.map((v, i) => v - along * excluded[i]!) : vector;
  const length = Math.sqrt(rest.reduce((sum, v) => sum + v * v, 0));
  return length > 0 ? rest.map((v) => v / length) : rest;
}
