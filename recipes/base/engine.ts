/** The heavy products of the recipe, run by the engine. */
import { buildGraph, compile, type Graph, type Program, type Runtime, symbol } from "@uat/graph";
import type { AssignFn } from "./kmeans.ts";
import type { TransposedProduct } from "./ridge.ts";

async function once(
  runtime: Runtime,
  name: string,
  body: (g: Graph) => ReturnType<Parameters<typeof buildGraph>[1]>,
): Promise<Program> {
  return compile(runtime, buildGraph(name, body));
}

/** Nearest centroids by one matrix product: ‖c‖² − 2x·c, then + ‖x‖². */
export async function assignOnEngine(runtime: Runtime, k: number, d: number): Promise<AssignFn> {
  const program = await once(runtime, "assign", (g) => {
    const x = g.input("x", [symbol("rows"), d]);
    const centroids = g.input("centroids", [k, d]);
    const norms = g.input("norms", [k]);
    const { values, indices } = x.linear(centroids, norms, -2).smallest(1);
    return { index: indices, distance: values.add(x.sumSquares(-1, true)) };
  });
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

/** aᵀ b for rows a [n, p] and b [n, q]. */
export async function productOnEngine(runtime: Runtime): Promise<TransposedProduct> {
  const programs = new Map<string, Program>();
  return async (a, b, n, p, q) => {
    const key = `${p} ${q}`;
    const program =
      programs.get(key) ??
      (await once(runtime, "product", (g) => {
        const left = g.input("a", [symbol("rows"), p]);
        const right = g.input("b", [symbol("rows"), q]);
        return { product: left.transpose(1, 0).matmul(right) };
      }));
    programs.set(key, program);
    const { product } = await program.run({ a: { data: a, shape: [n, p] }, b: { data: b, shape: [n, q] } });
    return product?.data as Float32Array;
  };
}
