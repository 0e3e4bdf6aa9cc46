/** Which clip is a clip's nearest other one? */
import { EvaluationError } from "../errors.ts";
import type { Metric } from "./clustering.ts";
import type { Matrix } from "./matrix.ts";
import { dot, nonZeros, squaredLengths } from "./sparse.ts";

/**
 * For every row the nearest other one (leave one out); the first of several that are equally near. Cosine distance of a
 * row of zeros is 1 to all.
 * @throws EvaluationError with fewer than two rows.
 */
export function nearestNeighbours(m: Matrix, metric: Metric = "euclidean"): Int32Array {
  if (m.rows < 2) throw new EvaluationError(`${m.rows} clips; expected 2 or more to look for neighbours`);
  const used = nonZeros(m);
  const squares = squaredLengths(m, used);
  const least = new Float64Array(m.rows).fill(Number.POSITIVE_INFINITY);
  const nearest = new Int32Array(m.rows).fill(-1);
  const offer = (i: number, j: number, distance: number) => {
    if (distance < least[i]! || (distance === least[i]! && j < nearest[i]!)) {
      least[i] = distance;
      nearest[i] = j;
    }
  };
  for (let i = 0; i < m.rows; i++)
    for (let j = 0; j < i; j++) {
      const [a, b] = used[i]!.length < used[j]!.length ? [i, j] : [j, i];
      const product = dot(used[a]!, m.data, a * m.columns, m.data, b * m.columns);
      const distance =
        metric === "euclidean"
          ? Math.max(0, squares[i]! + squares[j]! - 2 * product)
          : 1 - (product === 0 ? 0 : product / Math.sqrt(squares[i]! * squares[j]!));
      offer(i, j, distance);
      offer(j, i, distance);
    }
  return nearest;
}
