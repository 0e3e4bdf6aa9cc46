/**
 * Which cluster stands for which class? The pairing that agrees with most clips, by the Hungarian method (Kuhn, 1955)
 * with potentials and shortest augmenting paths (Jonker and Volgenant, 1987).
 */
import { EvaluationError } from "../errors.ts";

/**
 * Pairs every row of a square table with a column of its own so that the sum is largest.
 * @param gains `gains[row][column]`, finite. @returns the column of every row.
 * @throws EvaluationError when the table is not square.
 */
export function bestAssignment(gains: readonly (readonly number[])[]): number[] {
  const n = gains.length;
  if (gains.some((row) => row.length !== n))
    throw new EvaluationError(`a table of ${n} rows and ${gains[0]?.length} columns; expected as many of either`);
  const rowPotential = new Float64Array(n);
  // column n is where each search begins: it belongs to the row that is to be placed
  const columnPotential = new Float64Array(n + 1);
  const rowOf = new Int32Array(n + 1).fill(-1);
  for (let row = 0; row < n; row++) {
    rowOf[n] = row;
    const distance = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
    const before = new Int32Array(n).fill(-1);
    const done = new Uint8Array(n + 1);
    let column = n;
    while (rowOf[column]! >= 0) {
      done[column] = 1;
      const from = rowOf[column]!;
      let [next, step] = [-1, Number.POSITIVE_INFINITY];
      for (let j = 0; j < n; j++) {
        if (done[j]) continue;
        const cost = -gains[from]![j]! - rowPotential[from]! - columnPotential[j]!;
        if (cost < distance[j]!) {
          distance[j] = cost;
          before[j] = column;
        }
        if (distance[j]! < step) [next, step] = [j, distance[j]!];
      }
      for (let j = 0; j <= n; j++) {
        if (done[j]) {
          rowPotential[rowOf[j]!]! += step;
          columnPotential[j]! -= step;
        } else distance[j]! -= step;
      }
      column = next;
    }
    while (column !== n) {
      const previous = before[column]!;
      rowOf[column] = rowOf[previous]!;
      column = previous;
    }
  }
  const columns = new Array<number>(n);
  for (let j = 0; j < n; j++) columns[rowOf[j]!] = j;
  return columns;
}
