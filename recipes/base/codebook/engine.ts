/** The heavy products of k-means, run by the engine. */
import { buildGraph, compile, type Runtime, symbol } from "@uat/graph";
import type { AssignFn } from "./kmeans.ts";

/** Nearest centroids by one matrix product: ‖c‖² − 2x·c, then + ‖x‖². */
export async function assignOnEngine(runtime: Runtime, k: number, d: number): Promise<AssignFn> {
  const graph = buildGraph("assign", (g) => {
    const x = g.input("x", [symbol("rows"), d]);
    const centroids = g.input("centroids", [k, d]);
    const norms = g.input("norms", [k]);
    const { values, indices } = x.linear(centroids, norms, -2).smallest(1);
    return { index: indices, distance: values.add(x.sumSquares(-1, true)) };
  });
  const program = await compile(runtime, graph);
  let norms: Float32Array | undefined;
  let known: Float32Array | undefined;
  return async (x, n, centroids) => {
    // centroids change between iterations only, which start with the first rows
    if (known !== centroids || x.byteOffset === 0 || !norms) {
      norms = new Float32Array(k);
      for (let c = 0; c < k; c++) {
        let sum = 0;
        for (let j = c * d; j < (c + 1) * d; j++) sum += (centroids[j] as number) ** 2;
        norms[c] = sum;
      }
      known = centroids;
    }
    const result = await program.run({
      x: { data: x, shape: [n, d] },
      centroids: { data: centroids, shape: [k, d] },
      norms: { data: norms, shape: [k] },
    });
    return {
      index: Int32Array.from(result.index?.data as BigInt64Array, Number),
      distance: result.distance?.data as Float32Array,
    };
  };
}
