/**
 * Arithmetic over whole arenas: an element-wise graph is run stretch by stretch, in place. A chunk's intermediate values
 * stay in the processor's cache, so an update costs little more than reading and writing the arenas once.
 */
import { buildGraph, emitModel, type NumericArray, type Program, type Runtime, symbol, type Tensor } from "@uat/graph";

/** Elements per run: small enough for the cache, large enough that the call itself does not count. */
const CHUNK = 1 << 17;

/** A part of an array, from `start` on. */
export interface Stretch {
  readonly values: Float32Array;
  readonly start: number;
}

type Numbers<Scalar extends string> = Readonly<Record<Scalar, number>>;

export class InPlaceUpdate<Name extends string, Scalar extends string> {
  readonly #program: Program;
  readonly #updated: readonly Name[];

  private constructor(program: Program, updated: readonly Name[]) {
    this.#program = program;
    this.#updated = updated;
  }

  /**
   * @param runtime one that runs on the calling thread: between threads the arrays would be copied.
   * @param body given arrays `[n]` and scalars `[]` by name, returns the new values of those arrays that change. Only
   *   element-wise operators may be used: results overwrite the arrays while others are still being read.
   */
  static async compile<Name extends string, Scalar extends string>(
    runtime: Runtime,
    name: string,
    arrays: readonly Name[],
    scalars: readonly Scalar[],
    body: (tensors: Readonly<Record<Name | Scalar, Tensor>>) => Partial<Record<Name, Tensor>>,
  ): Promise<InPlaceUpdate<Name, Scalar>> {
    const updated: Name[] = [];
    const graph = buildGraph(name, (g) => {
      const n = symbol("n");
      const inputs = [...arrays.map((a) => g.input(a, [n])), ...scalars.map((s) => g.input(s, []))];
      const results = body(Object.fromEntries(inputs.map((t) => [t.name, t])) as Record<Name | Scalar, Tensor>);
      updated.push(...(Object.keys(results) as Name[]));
      return Object.fromEntries(updated.map((a) => [`new_${a}`, results[a] as Tensor]));
    });
    // one thread: those of the step's own program still spin when it is over, and a second one here waits for them
    return new InPlaceUpdate(await runtime.load({ ...emitModel(graph), threads: 1 }), updated);
  }

  /** Updates `length` elements of each array, from its start on. */
  async run(length: number, arrays: Readonly<Record<Name, Stretch>>, scalars: Numbers<Scalar>): Promise<void> {
    const constants = Object.entries<number>(scalars).map(([name, value]) => [name, scalar(value)] as const);
    for (let from = 0; from < length; from += CHUNK) {
      const n = Math.min(CHUNK, length - from);
      const chunks: Record<string, NumericArray> = {};
      for (const [name, { values, start }] of Object.entries<Stretch>(arrays))
        chunks[name] = { data: values.subarray(start + from, start + from + n), shape: [n] };
      const into = Object.fromEntries(this.#updated.map((name) => [`new_${name}`, chunks[name] as NumericArray]));
      await this.#program.run({ ...chunks, ...Object.fromEntries(constants) }, { into });
    }
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}

const scalar = (value: number): NumericArray => ({ data: Float32Array.of(value), shape: [] });
