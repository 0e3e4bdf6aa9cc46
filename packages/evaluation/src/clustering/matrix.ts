import { EvaluationError } from "../errors.ts";

/** A table of numbers, row-major [rows, columns]; one row a clip. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** @throws EvaluationError when `data` is not rows × columns long. */
export function matrix(rows: number, columns: number, data: ArrayLike<number>): Matrix {
  if (data.length !== rows * columns)
    throw new EvaluationError(`a table of ${rows} × ${columns} got ${data.length} values`);
  return { rows, columns, data: Float64Array.from(data) };
}

export const rowOf = (m: Matrix, i: number): Float64Array => m.data.subarray(i * m.columns, (i + 1) * m.columns);

/** How often each code occurs in each clip: [clips, codebook size]. @throws EvaluationError for a code outside it. */
export function countHistograms(clips: readonly ArrayLike<number>[], codebookSize: number): Matrix {
  const data = new Float64Array(clips.length * codebookSize);
  for (const [row, codes] of clips.entries()) {
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i]!;
      if (!(Number.isInteger(code) && code >= 0 && code < codebookSize))
        throw new EvaluationError(`clip ${row} has code ${code}; expected 0 to ${codebookSize - 1}`);
      data[row * codebookSize + code]!++;
    }
  }
  return { rows: clips.length, columns: codebookSize, data };
}

/**
 * none: as they are. l1: each row sums to 1. l2: each row has length 1. sqrt: square roots of l1 (length 1; Euclidean
 * distances of such rows are Hellinger distances up to a factor).
 */
export type Normalization = "none" | "l1" | "l2" | "sqrt";

/** Rows, and the lengths they are divided by, rounded to float32, as NumPy does with such rows; zeros stay zeros. */
export function normalizeRows(m: Matrix, kind: Normalization): Matrix {
  if (kind === "none") return m;
  const data = new Float64Array(m.data.length);
  for (let i = 0; i < m.rows; i++) {
    const row = rowOf(m, i);
    const norm =
      kind === "l2"
        ? Math.fround(Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)))
        : row.reduce((sum, v) => sum + Math.abs(v), 0);
    if (norm === 0) continue;
    for (let j = 0; j < m.columns; j++) {
      const value = row[j]! / norm;
      data[i * m.columns + j] = Math.fround(kind === "sqrt" ? Math.sqrt(value) : value);
    }
  }
  return { ...m, data };
}
