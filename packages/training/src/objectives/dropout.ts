/**
 * Dropout (Srivastava et al., 2014) with its random draws made outside the graph: ONNX Runtime removes a Dropout node
 * from an inference session, and a run must draw the same after it was resumed.
 */
import { evaluateDim, type Graph, type NumericArray, type Shape, type Tensor } from "@uat/graph";
import type { Random } from "../random.ts";

export class Dropout {
  readonly #masks: { readonly name: string; readonly shape: Shape; readonly rate: number }[] = [];

  /** Zeroes a share of the values and scales the others up by 1 / (1 − rate). */
  apply(graph: Graph, x: Tensor, rate: number): Tensor {
    if (rate === 0) return x;
    const name = `dropout.${this.#masks.length}`;
    this.#masks.push({ name, shape: x.shape, rate });
    return x.mul(graph.input(name, x.shape));
  }

  /** New masks for one run with the given sizes of the graph's symbols. */
  draw(random: Random, sizes: Readonly<Record<string, number>>): Record<string, NumericArray> {
    return Object.fromEntries(
      this.#masks.map(({ name, shape, rate }) => {
        const concrete = shape.map((d) => evaluateDim(d, sizes));
        const kept = 1 / (1 - rate);
        const data = new Float32Array(concrete.reduce((p, d) => p * d, 1));
        for (let i = 0; i < data.length; i++) data[i] = random.uniform() < rate ? 0 : kept;
        return [name, { data, shape: concrete }];
      }),
    );
  }
}
