/**
 * Reverse-mode differentiation over the symbolic graph (Griewank & Walther, "Evaluating Derivatives", chapter 3).
 *
 * The nodes of a graph are kept in the order they were made, so walking them backwards meets every use of a value
 * before the value itself. Each operator's rule (ops/*.ts) adds ordinary nodes for its inputs' gradients: the backward
 * pass is more of the same graph, emitted and run as one program with the forward pass.
 */
import { type Dim, sameDim, subDim } from "./dim.ts";
import { GraphError } from "./errors.ts";
import type { Graph, GraphNode } from "./graph.ts";
import type { Contribution, RowsContribution, SliceContribution } from "./ops/definition.ts";
import type { Tensor } from "./tensor.ts";

/** Gradient of a table that is looked up by rows and may be used densely as well: dense + Σ rows. */
export interface TableGradient {
  /** [rows, ...row]; undefined when the table is only looked up. */
  readonly dense: Tensor | undefined;
  /** `value` [...indices, ...row] belongs to the rows `indices` (int32 or int64); indices repeat. */
  readonly rows: readonly { readonly indices: Tensor; readonly value: Tensor }[];
}

/**
 * Gradients of a scalar `loss` with respect to `targets`, in their shapes.
 * @throws GraphError when the loss is not a single value or does not depend on a target.
 */
export function gradients(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  return backward(loss, targets, new Set()).map((parts, i) => {
    if (parts.length === 0) throw new GraphError(`the loss does not depend on ${describe(targets[i] as Tensor)}`);
    return total(parts, targets[i] as Tensor);
  });
}

/**
 * As {@link gradients}, with the gradient of each `tables` entry in parts. A large vocabulary's rows are cheaper to add
 * outside the graph than to scatter into a table of zeros.
 */
export function gradientsWithTables(
  loss: Tensor,
  targets: readonly Tensor[],
  tables: readonly Tensor[],
): { gradients: (Tensor | undefined)[]; tables: TableGradient[] } {
  const parts = backward(loss, [...targets, ...tables], new Set(tables.map((t) => t.id)));
  return {
    gradients: targets.map((t, i) => (parts[i]!.length === 0 ? undefined : total(parts[i]!, t))),
    tables: tables.map((t, i) => {
      const own = parts[targets.length + i]!;
      const rows = own.filter((p): p is RowsContribution => "kind" in p && p.kind === "rows" && p.axis === 0);
      const rest = own.filter((p) => !rows.includes(p as RowsContribution));
      return { dense: rest.length > 0 ? total(rest, t) : undefined, rows };
    }),
  };
}

/** Everything that the loss sends back to each target, unsummed. */
function backward(loss: Tensor, targets: readonly Tensor[], tables: ReadonlySet<number>): Contribution[][] {
  const { graph } = loss;
  if (loss.shape.some((d) => d !== 1)) throw new GraphError(`the loss has shape [${loss.shape}], expected one value`);
  const nodes = [...graph.nodes];
  const moving = dependents(nodes, targets);
  const parts = new Map<number, Contribution[]>();
  const wanted = new Set(targets.map((t) => t.id));
  const replayed = new Replay(graph, nodes);
  parts.set(loss.id, [graph.constant(1).reshape(loss.shape)]);
  for (const node of nodes.reverse()) {
    if (!node.op.gradient || !node.outputs.some((t) => parts.has(t.id) && moving.has(t.id))) continue;
    const needed = node.inputs.map((t) => moving.has(t.id) && t.dtype === "float32");
    if (!needed.includes(true)) continue;
    graph.currentScope = `${node.scope}/gradient`;
    const outputGradients = node.outputs.map((t) => {
      const own = parts.get(t.id);
      // an intermediate value's gradient is complete here: all its uses come later in the graph
      if (own && !wanted.has(t.id)) parts.delete(t.id);
      return own && total(own, t);
    });
    const { inputs, outputs } = replayed.of(node);
    const call = { inputs, outputs, attributes: node.attributes, needed };
    for (const [i, contribution] of node.op.gradient(call, ...outputGradients).entries()) {
      const input = node.inputs[i] as Tensor;
      if (contribution === undefined || !needed[i]) continue;
      const list = parts.get(input.id) ?? [];
      parts.set(input.id, list.concat(contribution));
    }
  }
  graph.currentScope = "";
  for (const t of targets) if (tables.has(t.id) && !parts.has(t.id)) parts.set(t.id, []);
  return targets.map((t) => parts.get(t.id) ?? []);
}

/** Values that change when a target changes. */
function dependents(nodes: readonly GraphNode[], targets: readonly Tensor[]): Set<number> {
  const moving = new Set(targets.map((t) => t.id));
  for (const node of nodes) {
    if (node.op.gradient && node.inputs.some((t) => moving.has(t.id))) for (const t of node.outputs) moving.add(t.id);
  }
  return moving;
}

/** Sums contributions to the gradient of `x`. */
function total(parts: readonly Contribution[], x: Tensor): Tensor {
  const slices = parts.filter((p): p is SliceContribution => "kind" in p && p.kind === "slice");
  const others = parts.filter((p) => !slices.includes(p as SliceContribution));
  const tensors = others.map((p) => ("kind" in p ? scatterRows(p as RowsContribution, x) : p));
  const joined = tile(slices, x) ?? slices.map((s) => spread(s, x));
  const [first, ...rest] = [...tensors, ...joined] as [Tensor, ...Tensor[]];
  return rest.reduce((sum, t) => sum.add(t), first);
}

/** One tensor out of slices that cover one axis without gap or overlap, else undefined. */
function tile(slices: readonly SliceContribution[], x: Tensor): Tensor[] | undefined {
  const [first] = slices;
  if (!first || slices.some((s) => s.axis !== first.axis)) return undefined;
  const left = [...slices];
  const ordered: SliceContribution[] = [];
  let at: Dim = 0;
  while (left.length > 0) {
    const next = left.findIndex((s) => sameDim(s.start, at));
    if (next < 0) return undefined;
    const [slice] = left.splice(next, 1) as [SliceContribution];
    ordered.push(slice);
    at = slice.end;
  }
  if (!sameDim(at, x.dim(first.axis))) return undefined;
  const [head, ...tail] = ordered.map((s) => s.value) as [Tensor, ...Tensor[]];
  return [tail.length === 0 ? head : head.concat(first.axis, ...tail)];
}

/** A slice's gradient among zeros. */
const spread = ({ axis, start, end, value }: SliceContribution, x: Tensor): Tensor =>
  value.pad(axis, start, subDim(x.dim(axis), end));

const scatterRows = ({ axis, indices, value }: RowsContribution, x: Tensor): Tensor =>
  value.scatterRows(indices, axis, x.dim(axis));

/**
 * Recomputation (Chen et al., 2016, arXiv 1604.06174): the nodes made within `graph.recompute` are made once more for
 * the backward pass, so that the first ones' results need not be kept. The session must not merge equal nodes.
 */
class Replay {
  readonly #graph: Graph;
  readonly #segments = new Map<number, GraphNode[]>();
  readonly #copies = new Map<number, Tensor>();
  readonly #done = new Set<number>();

  constructor(graph: Graph, nodes: readonly GraphNode[]) {
    this.#graph = graph;
    for (const node of nodes) {
      if (node.segment === undefined) continue;
      const list = this.#segments.get(node.segment);
      if (list) list.push(node);
      else this.#segments.set(node.segment, [node]);
    }
  }

  /** A node's inputs and outputs as the backward pass should use them. */
  of(node: GraphNode): { inputs: readonly Tensor[]; outputs: readonly Tensor[] } {
    if (node.segment === undefined) return node;
    if (!this.#done.has(node.segment)) {
      this.#done.add(node.segment);
      for (const n of this.#segments.get(node.segment) as GraphNode[]) {
        const copies = this.#graph.apply(n.op, n.inputs.map(this.#copyOf), n.attributes);
        for (const [i, t] of n.outputs.entries()) this.#copies.set(t.id, copies[i] as Tensor);
      }
    }
    return { inputs: node.inputs.map(this.#copyOf), outputs: node.outputs.map(this.#copyOf) };
  }

  #copyOf = (t: Tensor): Tensor => this.#copies.get(t.id) ?? t;
}

const describe = (t: Tensor): string => t.name ?? `a value of shape [${t.shape}]`;
