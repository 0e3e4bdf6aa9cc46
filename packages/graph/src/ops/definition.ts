import type { Dim } from "../dim.ts";
import type { TensorType } from "../graph.ts";
import type { Emitter } from "../onnx/emitter.ts";
import type { Tensor } from "../tensor.ts";

/** One operator: its shape rule, how it becomes ONNX and how gradients pass through it. */
export interface OpDefinition<A = unknown> {
  readonly name: string;
  /** Types of the outputs. Throws GraphError without context; the graph adds the layer and the shapes. */
  infer(inputs: readonly TensorType[], attributes: A): TensorType[];
  /** Adds ONNX nodes that compute the outputs; returns their value names. */
  emit(emitter: Emitter, inputs: readonly EmittedValue[], attributes: A, outputs: readonly TensorType[]): string[];
  /**
   * Gradients of the inputs, given those of the outputs (undefined where the loss does not depend on one). Only inputs
   * with `needed` count; undefined stands for zero. An operator without a rule stops gradients.
   */
  gradient?(
    call: GradientCall<A>,
    ...outputGradients: (Tensor | undefined)[]
  ): readonly (Contribution | readonly Contribution[] | undefined)[];
}

/** An input as the emitter sees it. */
export interface EmittedValue extends TensorType {
  readonly value: string;
  /** The name when it is a parameter. */
  readonly parameter?: string | undefined;
}

/** One application of an operator, as its gradient rule sees it. */
export interface GradientCall<A = unknown> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: A;
  /** Which inputs' gradients are asked for. */
  readonly needed: readonly boolean[];
}

/** What one use of a tensor adds to its gradient: all of it, a slice of it, or some rows of a table. */
export type Contribution = Tensor | SliceContribution | RowsContribution;

/** The gradient of x[start:end] along an axis; zero elsewhere. Slices that tile the axis are joined instead of padded. */
export interface SliceContribution {
  readonly kind: "slice";
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly value: Tensor;
}

/** Rows to be added to the rows `indices` of a table: values [...indices, ...row]. Indices may repeat. */
export interface RowsContribution {
  readonly kind: "rows";
  readonly axis: number;
  readonly indices: Tensor;
  readonly value: Tensor;
}

export const defineOp = <A>(definition: OpDefinition<A>): OpDefinition<A> => definition;
