/**
 * Connectionist temporal classification (Graves et al., "Connectionist temporal classification: labelling unsegmented
 * sequence data with recurrent neural networks", ICML 2006): the loss of a label whose place in time is not known.
 *
 * A label of L units has S = 2L + 1 states: blank, unit, blank, unit, …, blank. A path begins in one of the first two
 * states, ends in one of the last two, and from frame to frame stays, goes to the next state, or goes past a blank
 * between two different units. α_t(s) sums the probabilities of all ways to state s in frame t, β_t(s) those of all ways
 * on from there. Their product over the probability of frame t is the state's share of the total probability, the same
 * total in every frame, and the gradient of the loss is each unit's probability less the shares of its states (section 4).
 */
import { addDim, type Dim, formatShape, mulDim, sameDim, subDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import type { Emitter } from "../onnx/emitter.ts";
import type { AttributeValue } from "../onnx/model.ts";
import { defineOp } from "./definition.ts";

/** Stands for log 0. Sums of it are still finite, so that their differences are numbers. */
const NEVER = -1e30;
/** A sum below this has NEVER in it. */
const IMPOSSIBLE = -1e29;

/**
 * logits [batch, time, units], unit 0 the blank; labels int32 [batch, length], 1 … units − 1 and then padding of −1,
 * length at least 1; lengths int32 [batch], how many frames are real → `losses` [batch] in nats, and `slopes`
 * [batch, time, units], their derivatives by the logits. A label that does not fit into its frames has loss 0 and slopes 0.
 */
export const ctcLoss = defineOp<undefined>({
  name: "ctcLoss",
  infer([logits, labels, lengths]) {
    const [batch, , units] = logits!.shape;
    if (logits!.shape.length !== 3 || typeof units !== "number")
      throw new GraphError("logits are [batch, time, units] with a known number of units");
    const described = (t: typeof labels) => `${t!.dtype} ${formatShape(t!.shape)}`;
    const ofBatch = (t: typeof labels, rank: number) =>
      t!.dtype === "int32" && t!.shape.length === rank && sameDim(t!.shape[0] as Dim, batch as Dim);
    if (!ofBatch(labels, 2)) throw new GraphError(`labels are ${described(labels)}, expected int32 [${batch}, length]`);
    if (!ofBatch(lengths, 1)) throw new GraphError(`lengths are ${described(lengths)}, expected int32 [${batch}]`);
    return [
      { dtype: "float32", shape: [batch as Dim] },
      { dtype: "float32", shape: logits!.shape },
    ];
  },
  emit(e, [logits, labels, lengths]) {
    const [batch, time, units] = logits!.shape as [Dim, Dim, number];
    const states = addDim(mulDim(labels!.shape[1] as Dim, 2), 1);
    const node = nodesOf(e);
    const { one, number, whole, range } = node;
    const fromEnd = { states: node.rangeDown(states), time: node.rangeDown(time) };
    const reversed = (x: string, along: "states" | "time", axis: number) =>
      one("Gather", [x, fromEnd[along]], { axis });
    const turned = (x: string) => reversed(reversed(x, "time", 0), "states", 2);

    const spelled = spell(node, labels!.value); // [batch, states]
    // all that counts frames: [batch, states, time], then time first
    const places = one("Unsqueeze", [one("Cast", [spelled], { to: e.elementType("int64") }), e.int64([2])]);
    const byUnit = one("Transpose", [logits!.value], { perm: [0, 2, 1] });
    const spoken = one("GatherND", [byUnit, places], { batch_dims: 1 });
    // relative to the frame's best state: a path's sum stays small, so that it keeps its digits
    const peaks = one("ReduceMax", [spoken, e.int64([1])], { keepdims: 1 });
    const relative = one("Transpose", [one("Sub", [spoken, peaks])], { perm: [2, 0, 1] });
    const real = one("Less", [one("Unsqueeze", [range(time), e.int64([1])]), lengths!.value]); // [time, batch]

    // β is α from the other end: both run as one recurrence, β with time and states in reverse
    const { start, end } = startAndEnd(node, labels!.value, states);
    // in frames that are padding β waits in the last state
    const forward = one("Where", [one("Unsqueeze", [real, e.int64([2])]), relative, end]);
    const sequence = one("Concat", [forward, turned(forward)], { axis: 1 });
    const first = one("Concat", [start, reversed(end, "states", 1)], { axis: 0 });
    const barred = passings(node, one("Concat", [spelled, reversed(spelled, "states", 1)], { axis: 0 }));
    const shape = [mulDim(batch, 2), states];
    const sums = e.scan(
      { value: first, dtype: "float32", shape },
      { value: sequence, dtype: "float32", shape: [time, ...shape] },
      (before, frame) => {
        const next = one("Pad", [before, e.int64([0, 1, 0, -1]), number(NEVER)]);
        const afterNext = one("Pad", [before, e.int64([0, 2, 0, -2]), number(NEVER)]);
        const ways = [before, next, one("Add", [afterNext, barred])];
        const best = one("Max", ways);
        const total = one(
          "Sum",
          ways.map((way) => one("Exp", [one("Sub", [way, best])])),
        );
        return one("Sum", [one("Log", [total]), best, frame]);
      },
    );
    // two slices: WebGPU's Split into equal parts gives empty ones
    const half = (from: Dim, to: Dim) => one("Slice", [sums, e.dims([from]), e.dims([to]), e.int64([1])]);
    const alpha = half(0, batch);
    const beta = half(batch, mulDim(batch, 2));
    // both count the frame itself
    const through = one("Sub", [one("Add", [alpha, turned(beta)]), forward]); // [time, batch, states]
    const atStart = one("Gather", [through, whole(0)], { axis: 0 });
    const total = one("ReduceLogSumExp", [atStart, e.int64([1])], { keepdims: 0 });
    // asked in this way, what is not a number shows in the loss
    const impossible = one("Less", [total, number(IMPOSSIBLE)]);

    const probabilities = one("Softmax", [logits!.value], { axis: -1 });
    const largest = (x: string) => one("ReduceMax", [x, e.int64([2])], { keepdims: 0 });
    // log Σ exp = largest logit − log of its probability
    const normal = one("Sub", [largest(logits!.value), one("Log", [largest(probabilities)])]);
    const realByRow = one("Transpose", [real], { perm: [1, 0] });
    const offsets = one("Sub", [normal, one("Squeeze", [peaks, e.int64([1])])]);
    const offset = one("ReduceSum", [one("Where", [realByRow, offsets, number(0)]), e.int64([1])], { keepdims: 0 });
    const losses = one("Where", [impossible, number(0), one("Sub", [offset, total])]);

    const shares = one("Transpose", [one("Softmax", [through], { axis: -1 })], { perm: [1, 0, 2] });
    const alphabet = e.constant(
      Int32Array.from({ length: units }, (_, i) => i),
      [units],
      "int32",
    );
    const isUnit = one("Equal", [one("Unsqueeze", [spelled, e.int64([2])]), alphabet]);
    const oneHot = one("Cast", [isUnit], { to: e.elementType("float32") });
    const slopes = one("Sub", [probabilities, one("MatMul", [shares, oneHot])]);
    const possible = one("Not", [one("Reshape", [impossible, e.int64([-1, 1, 1])])]);
    const counted = one("And", [one("Unsqueeze", [realByRow, e.int64([2])]), possible]);
    return [losses, one("Where", [counted, slopes, number(0)])];
  },
  gradient: ({ inputs: [logits], outputs: [, slopes] }, g) => [
    slopes!.mul(g!.reshape([logits!.dim(0), 1, 1])),
    undefined,
    undefined,
  ],
});

type Nodes = ReturnType<typeof nodesOf>;

/** Short forms of what is needed often. */
function nodesOf(e: Emitter) {
  const one = (type: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}): string =>
    e.node(type, inputs, attributes)[0] as string;
  const number = (value: number) => e.constant(new Float32Array([value]), []);
  // WebGPU loses values of int64
  const whole = (value: number) => e.constant(Int32Array.of(value), [], "int32");
  const scalar = (size: Dim) =>
    one("Cast", [one("Reshape", [e.dims([size]), e.int64([])])], { to: e.elementType("int32") });
  return {
    e,
    one,
    number,
    whole,
    /** 0 … size − 1. */
    range: (size: Dim) => one("Range", [whole(0), scalar(size), whole(1)]),
    /** size − 1 … 0: reverses by Gather, as WebGPU's Slice loses a value when it goes backwards. */
    rangeDown: (size: Dim) => one("Range", [scalar(subDim(size, 1)), whole(-1), whole(-1)]),
  };
}

/** The units of the states of labels [batch, length], int32 [batch, states]; padding counts as blank. */
function spell({ e, one, whole }: Nodes, labels: string): string {
  const units = one("Unsqueeze", [one("Max", [labels, whole(0)]), e.int64([2])]);
  const afterBlanks = one("Pad", [units, e.int64([0, 0, 1, 0, 0, 0])]);
  return one("Pad", [one("Reshape", [afterBlanks, e.int64([0, -1])]), e.int64([0, 0, 0, 1])]);
}

/** [batch, states]: 0 in the state before the first frame and in the label's last one, NEVER elsewhere. */
function startAndEnd({ e, one, number, whole, range }: Nodes, labels: string, states: Dim) {
  const isUnit = one("GreaterOrEqual", [labels, whole(0)]);
  const known = one("Cast", [isUnit], { to: e.elementType("int32") });
  const length = one("ReduceSum", [known, e.int64([1])], { keepdims: 1 });
  const all = range(states);
  const only = (index: string) => one("Where", [one("Equal", [all, index]), number(0), number(NEVER)]);
  // to be in state 0 before the first frame is to be in state 0 or 1 there
  return {
    start: only(one("Mul", [length, whole(0)])),
    end: only(one("Mul", [length, whole(2)])),
  };
}

/** What is added to the way from two states before: 0 past a blank between different units, else NEVER. */
function passings({ e, one, number, whole }: Nodes, units: string): string {
  const slice = (from: number, to: number) => one("Slice", [units, e.int64([from]), e.int64([to]), e.int64([1])]);
  const twoBefore = one("Concat", [slice(0, 2), slice(0, -2)], { axis: 1 });
  const barred = one("Or", [one("Equal", [units, whole(0)]), one("Equal", [units, twoBefore])]);
  return one("Where", [barred, number(NEVER), number(0)]);
}
