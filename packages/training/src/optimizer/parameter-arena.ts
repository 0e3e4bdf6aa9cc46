/**
 * All parameters of a model in one flat array. Every parameter is a view of it by its checkpoint name, so an optimiser
 * walks the memory once, front to back, instead of visiting a thousand small arrays. Gradients and moments lie in
 * companion arenas with the same layout.
 */
import type { NumericArray, ParameterSource } from "@uat/graph";
import { TrainingError } from "../errors.ts";

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Where a parameter lies; offset and length count float32 elements. */
export interface ArenaEntry extends ParameterSpec {
  readonly offset: number;
  readonly length: number;
  /** Where the next one begins: padding lies between. */
  readonly end: number;
}

/** Elements that an entry's start is a multiple of: 64 bytes, a cache line and what vector units like best. */
const ALIGNMENT = 16;

class ArenaLayout {
  readonly entries: readonly ArenaEntry[];
  readonly byName: ReadonlyMap<string, ArenaEntry>;
  /** Elements, padding included. */
  readonly size: number;

  constructor(specs: Iterable<ParameterSpec>) {
    const byName = new Map<string, ArenaEntry>();
    let size = 0;
    for (const { name, shape } of specs) {
      if (byName.has(name)) throw new TrainingError(`there are two parameters called ${name}; names must differ`);
      const length = shape.reduce((product, d) => product * d, 1);
      const end = size + Math.ceil(length / ALIGNMENT) * ALIGNMENT;
      byName.set(name, { name, shape, offset: size, length, end });
      size = end;
    }
    this.byName = byName;
    this.entries = [...byName.values()];
    this.size = size;
  }
}

export class ParameterArena {
  readonly #layout: ArenaLayout;
  /** Everything, in the order of `entries`; elements between two entries are padding and stay 0. */
  readonly values: Float32Array;

  private constructor(layout: ArenaLayout, values: Float32Array) {
    this.#layout = layout;
    this.values = values;
  }

  static #allocate(layout: ArenaLayout): ParameterArena {
    let values: Float32Array;
    try {
      values = new Float32Array(layout.size);
    } catch {
      const gibibytes = (layout.size / 2 ** 28).toFixed(1);
      throw new TrainingError(
        `${layout.size} parameters need ${gibibytes} GiB in one piece, which this machine does not give; ` +
          "train a smaller model, or freeze a part of it",
      );
    }
    return new ParameterArena(layout, values);
  }

  /**
   * An arena of zeros.
   * @param groups lists of names to lay side by side, in this order; all other parameters follow. What an optimiser
   *   treats alike is then one stretch of memory.
   * @throws TrainingError for a name that occurs twice, and when there is not enough memory.
   */
  static zeros(specs: Iterable<ParameterSpec>, groups: readonly (readonly string[])[] = []): ParameterArena {
    const given = [...specs];
    const rank = new Map(groups.flat().map((name, i) => [name, i]));
    const ordered = given
      .map((spec, i) => ({ spec, rank: rank.get(spec.name) ?? rank.size + i }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ spec }) => spec);
    return ParameterArena.#allocate(new ArenaLayout(ordered));
  }

  /**
   * An arena with copies of the values (row-major).
   * @param groups see `zeros`.
   * @throws TrainingError also when the values of a parameter are not as many as its shape says.
   */
  static from(
    parameters: Iterable<ParameterSpec & { readonly values: Float32Array }>,
    groups: readonly (readonly string[])[] = [],
  ): ParameterArena {
    const given = [...parameters];
    const arena = ParameterArena.zeros(
      given.map(({ name, shape }) => ({ name, shape })),
      groups,
    );
    for (const { name, shape, values } of given) {
      const view = arena.view(name);
      if (values.length !== view.length)
        throw new TrainingError(
          `parameter ${name} of shape [${shape}] needs ${view.length} values, got ${values.length}`,
        );
      view.set(values);
    }
    return arena;
  }

  /**
   * An arena of zeros for the same parameters, or for some of them, in the same order.
   * @throws TrainingError for a name that is not here.
   */
  companion(names?: Iterable<string>): ParameterArena {
    if (!names) return ParameterArena.#allocate(this.#layout);
    const chosen = new Set(names);
    for (const name of chosen) this.entry(name);
    return ParameterArena.#allocate(new ArenaLayout(this.entries.filter(({ name }) => chosen.has(name))));
  }

  /** Whether both hold the same parameters at the same places. */
  matches(other: ParameterArena): boolean {
    if (this.#layout === other.#layout) return true;
    return (
      this.entries.length === other.entries.length &&
      this.entries.every((entry, i) => {
        const { name, offset, length } = other.entries[i] as ArenaEntry;
        return entry.name === name && entry.offset === offset && entry.length === length;
      })
    );
  }

  /** In order of memory. */
  get entries(): readonly ArenaEntry[] {
    return this.#layout.entries;
  }

  has(name: string): boolean {
    return this.#layout.byName.has(name);
  }

  /** @throws TrainingError when there is no such parameter. */
  entry(name: string): ArenaEntry {
    const entry = this.#layout.byName.get(name);
    if (!entry) throw new TrainingError(`there is no parameter called ${name}`);
    return entry;
  }

  /** The values of one parameter, row-major; writing to them changes the arena. */
  view(name: string): Float32Array {
    const { offset, length } = this.entry(name);
    return this.values.subarray(offset, offset + length);
  }

  /** A parameter in the form that programs take and, as a place for results, fill. */
  array(name: string): NumericArray {
    return { data: this.view(name), shape: this.entry(name).shape };
  }

  /** Lets graphs be built from the parameters as they are when the graph is loaded. */
  readonly source: ParameterSource = (name) => {
    const entry = this.#layout.byName.get(name);
    if (!entry) return undefined;
    const read = async () => {
      const { buffer, byteOffset, byteLength } = this.view(name);
      return new Uint8Array(buffer, byteOffset, byteLength);
    };
    return { dtype: "F32", shape: entry.shape, read };
  };
}
