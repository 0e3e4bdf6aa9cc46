/**
 * Weights to start from. Which parameters there are, and of what shape, is asked of the networks themselves; their
 * values are PyTorch's defaults: U(±1/√inputs) for linear and convolutional layers and their biases (He et al., 2015,
 * arXiv 1502.01852, with a = √5), N(0, 1) for tables that are looked up, 1 and 0 for norms.
 */
import { Graph, type ParameterData, type ParameterSource, Scope, type Tensor } from "@uat/graph";
import { readFloat32, type TensorStore } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import type { ParameterSpec } from "../optimizer/parameter-arena.ts";
import { Random } from "../random.ts";

/** A parameter as a network asks for it. */
export interface AskedParameter extends ParameterSpec {
  /** Whether its rows are looked up. */
  readonly table: boolean;
}

const none: ParameterSource = () => undefined;

/** Notes what is asked of it. */
class RecordingScope extends Scope {
  override at(...names: (string | number)[]): Scope {
    return new RecordingScope(this.graph, none, [this.path, ...names].filter((s) => s !== "").join("."));
  }

  override tensor(name: string, shape: readonly number[]): Tensor {
    const data: ParameterData = { dtype: "F32", shape, read: async () => new Uint8Array(0) };
    return this.graph.parameter(this.path ? `${this.path}.${name}` : name, data);
  }

  override table(name: string, minimumRows: number, rest: readonly number[]): Tensor {
    return this.tensor(name, [minimumRows, ...rest]);
  }
}

/** The parameters that `network` asks its scope for, in that order. */
export function askedParameters(network: (graph: Graph, p: Scope) => unknown): AskedParameter[] {
  const graph = new Graph("parameters");
  network(graph, new RecordingScope(graph, none));
  const tables = new Set(graph.nodes.filter((n) => n.op.name === "gather").map((n) => n.inputs[0]?.id));
  return [...graph.parameters].map(([name, { tensor, data }]) => ({
    name,
    shape: data.shape,
    table: tables.has(tensor.id),
  }));
}

/** A parameter with its values, row-major. */
export type InitialParameter = ParameterSpec & { readonly values: Float32Array };

/**
 * Fresh values, one parameter after the other. Each draws from a generator of its own, seeded by its name, so that adding one to a network
 * changes no other.
 */
export function* initialWeights(
  asked: readonly AskedParameter[],
  seed: number,
  wanted: (name: string) => boolean = () => true,
): Generator<InitialParameter> {
  const shapes = new Map(asked.map(({ name, shape }) => [name, shape]));
  for (const { name, shape, table } of asked) {
    if (!wanted(name)) continue;
    const random = new Random(nameHash(name, seed));
    const values = new Float32Array(shape.reduce((p, d) => p * d, 1));
    const bound = table ? undefined : boundOf(name, shape, shapes);
    if (table) for (let i = 0; i < values.length; i++) values[i] = random.normal();
    else if (bound === undefined) values.fill(name.endsWith("bias") ? 0 : 1);
    else for (let i = 0; i < values.length; i++) values[i] = random.uniform(-bound, bound);
    yield { name, shape, values };
  }
}

/** Half the width of a layer's uniform values; undefined for norms and for Snake's α. */
function boundOf(
  name: string,
  shape: readonly number[],
  shapes: ReadonlyMap<string, readonly number[]>,
): number | undefined {
  const inputs = (s: readonly number[]) => s.slice(1).reduce((p, d) => p * d, 1);
  // the position biases of relative attention, by Xavier (Glorot & Bengio, 2010)
  if (/pos_bias_[uv]$/.test(name)) return Math.sqrt(6 / ((shape[0] as number) + inputs(shape)));
  const layer = shape.length > 1 ? shape : shapes.get(name.replace(/bias$/, "weight"));
  return layer && layer.length > 1 ? 1 / Math.sqrt(inputs(layer)) : undefined;
}

/** FNV-1a of a name, begun at a seed. */
function nameHash(name: string, seed: number): number {
  let hash = (2166136261 ^ seed) >>> 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619) >>> 0;
  return hash;
}

export interface StartOptions {
  /** Weights to start from; all are fresh without. */
  readonly store?: TensorStore | undefined;
  /** Parameters that are fresh whatever the store holds. */
  readonly isCold?: ((name: string) => boolean) | undefined;
  readonly seed: number;
}

/**
 * The parameters' values in a store where it has them, else fresh ones.
 * @returns also the names of fresh parameters.
 * @throws TrainingError when the store holds another shape.
 */
export async function startingWeights(
  asked: readonly AskedParameter[],
  { store, isCold = () => false, seed }: StartOptions,
): Promise<{ parameters: InitialParameter[]; fresh: ReadonlySet<string> }> {
  const fresh = new Set<string>();
  const parameters: InitialParameter[] = [];
  for (const initial of initialWeights(asked, seed)) {
    const { name, shape } = initial;
    const held = isCold(name) ? undefined : store?.info(name)?.shape;
    if (!held) {
      fresh.add(name);
      parameters.push(initial);
      continue;
    }
    if (held.length !== shape.length || held.some((d, i) => d !== shape[i]))
      throw new TrainingError(
        `${name} has shape [${held}] in the checkpoint to start from, the configuration asks for [${shape}]; ` +
          "change model.config, or list a beginning of this name in model.cold_start",
      );
    parameters.push({ name, shape, values: await readFloat32(store as TensorStore, name) });
  }
  return { parameters, fresh };
}
