/**
 * Weight normalisation (Salimans & Kingma 2016, arXiv 1602.07868): a weight stored as direction v and length g,
 * weight = g · v / ‖v‖, the norm over all axes but the first. torch has two spellings of the pair.
 */
import { CheckpointError, shown } from "./errors.ts";
import { elementCount, missingTensor, readFloat32, type TensorStore } from "./tensor-store.ts";

interface Pair {
  g?: string;
  v?: string;
}

/**
 * A view in which every pair `X.weight_g`, `X.weight_v` or `X.parametrizations.weight.original0`, `original1` is one
 * float32 tensor `X.weight`, computed when it is read.
 * @throws CheckpointError when half of a pair is missing, the shapes do not match, or `X.weight` is stored as well.
 */
export function foldWeightNorm(store: TensorStore): TensorStore {
  const pairs = new Map<string, Pair>();
  const plain = new Set<string>();
  for (const name of store.names()) {
    const match = /^(.*?)(?:weight_([gv])|parametrizations\.weight\.original([01]))$/.exec(name);
    if (!match) {
      plain.add(name);
      continue;
    }
    const target = `${match[1]}weight`;
    const half = match[2] === "g" || match[3] === "0" ? "g" : "v";
    const pair = pairs.get(target) ?? {};
    if (pair[half]) throw new CheckpointError(`checkpoint has both ${shown(pair[half])} and ${shown(name)}`);
    pair[half] = name;
    pairs.set(target, pair);
  }
  for (const [target, pair] of pairs) {
    if (!pair.g || !pair.v)
      throw new CheckpointError(
        `checkpoint has ${shown(pair.g ?? pair.v)} without the other half of its weight-norm pair`,
      );
    if (plain.has(target)) throw new CheckpointError(`checkpoint has both ${shown(target)} and its weight-norm pair`);
    const lengths = store.info(pair.g)!.shape;
    const shape = store.info(pair.v)!.shape;
    if (shape.length === 0 || elementCount(lengths) !== shape[0])
      throw new CheckpointError(
        `${shown(pair.g)} of shape ${shown(lengths)} does not match ${shown(pair.v)} of shape ${shown(shape)}; expected one value for each of the first axis`,
      );
  }
  if (pairs.size === 0) return store;
  return {
    *names() {
      yield* plain;
      yield* pairs.keys();
    },
    info(name) {
      const pair = pairs.get(name);
      if (pair) return { dtype: "F32", shape: store.info(pair.v!)!.shape };
      return plain.has(name) ? store.info(name) : undefined;
    },
    async read(name) {
      const pair = pairs.get(name);
      if (pair) {
        const weight = fold(await readFloat32(store, pair.g!), await readFloat32(store, pair.v!), name);
        return new Uint8Array(weight.buffer);
      }
      if (!plain.has(name)) throw missingTensor(name, "checkpoint");
      return store.read(name);
    },
    locate: (name) => (plain.has(name) ? store.locate(name) : undefined),
    close: () => store.close(),
  };
}

/** weight[i] = v[i] · g[i] / ‖v[i]‖ for each i of the first axis. */
function fold(g: Float32Array, v: Float32Array, name: string): Float32Array {
  const weight = new Float32Array(v.length);
  const rowLength = v.length / Math.max(1, g.length);
  for (let row = 0; row < g.length; row++) {
    const begin = row * rowLength;
    let squares = 0;
    for (let i = begin; i < begin + rowLength; i++) squares += v[i]! * v[i]!;
    if (squares === 0 && rowLength > 0)
      throw new CheckpointError(`row ${row} of the weight-norm direction of ${shown(name)} is zero`);
    const scale = Math.fround(g[row]! / Math.fround(Math.sqrt(squares)));
    for (let i = begin; i < begin + rowLength; i++) weight[i] = v[i]! * scale;
  }
  return weight;
}
