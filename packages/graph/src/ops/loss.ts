/** Losses that are one operator because their parts are too large to be kept. */
import { type Dim, formatShape, product, sameDim, sameShape } from "../dim.ts";
import { GraphError } from "../errors.ts";
import { defineOp } from "./definition.ts";

/**
 * Cross-entropy of labels under softmax(hidden · tableᵀ), the output layer of a language model together with its loss:
 * hidden [..., d], table [vocabulary, d], labels int32 [...], negative ones ignored → `losses` [...] in nats, 0 where
 * ignored; `probabilities` [rows, vocabulary]; `correct` [...], 1 where no token is more probable than the label.
 *
 * Logits and probabilities of a large vocabulary are most of a step's memory. Since the gradient of the logits,
 * probabilities − onehot, only occurs in products, the onehot part is taken from the products' results: row `label` of
 * the table here, rows added to the table's gradient there. No third tensor of that size is made.
 */
export const linearCrossEntropy = defineOp<undefined>({
  name: "linearCrossEntropy",
  infer([hidden, table, labels]) {
    const lead = hidden!.shape.slice(0, -1);
    const [vocabulary, d] = table!.shape as [Dim, Dim];
    if (table!.shape.length !== 2 || !sameDim(d, hidden!.shape.at(-1) as Dim))
      throw new GraphError(`table ${formatShape(table!.shape)} does not apply to ${formatShape(hidden!.shape)}`);
    if (labels!.dtype !== "int32" || !sameShape(labels!.shape, lead))
      throw new GraphError(`labels are ${labels!.dtype} ${formatShape(labels!.shape)}, expected int32 [${lead}]`);
    return [
      { dtype: "float32", shape: lead },
      { dtype: "float32", shape: [product(lead), vocabulary] },
      { dtype: "float32", shape: lead },
    ];
  },
  emit(e, [hidden, table, labels], _, [losses]) {
    const d = hidden!.shape.at(-1) as number;
    const [flat] = e.shared("Reshape", [hidden!.value, e.int64([-1, d])]);
    const [logits] = e.node("Gemm", [flat!, table!.value], { transB: 1 });
    const [probabilities] = e.node("Softmax", [logits!], { axis: -1 });
    const [column] = e.node("Reshape", [labels!.value, e.int64([-1, 1])]);
    const zero = e.constant(Int32Array.of(0), [], "int32");
    const [ignored] = e.node("Less", [column!, zero]);
    const [index] = e.node("Max", [column!, zero]);
    const at = (x: string) => e.node("GatherElements", [x, index!], { axis: 1 })[0]!;
    const largest = (x: string) => e.node("ReduceMax", [x, e.int64([1])], { keepdims: 1 })[0]!;
    // log Σ exp = largest logit − log of its probability: exact where the label's own probability underflows
    const top = largest(probabilities!);
    const [total] = e.node("Sub", [largest(logits!), e.node("Log", [top])[0]!]);
    const [loss] = e.node("Sub", [total!, at(logits!)]);
    const [hit] = e.node("GreaterOrEqual", [at(probabilities!), top]);
    const [correct] = e.node("Cast", [hit!], { to: e.elementType("float32") });
    const shaped = (x: string) =>
      e.node("Reshape", [
        e.node("Where", [ignored!, e.constant(new Float32Array(1), []), x])[0]!,
        e.dims(losses!.shape),
      ])[0]!;
    return [shaped(loss!), probabilities!, shaped(correct!)];
  },
  gradient({ inputs: [hidden, table, labels], outputs: [, probabilities], needed }, g) {
    const { graph } = hidden!;
    const rows = product(labels!.shape);
    const zero = graph.constant(Int32Array.of(0));
    const weight = labels!.less(zero).where(0, g!).reshape([rows, 1]);
    const index = labels!.less(zero).where(zero, labels!).reshape([rows]);
    const flat = hidden!.reshape([rows, hidden!.dim(-1)]);
    const weighted = flat.mul(weight);
    return [
      needed[0]
        ? probabilities!.matmul(table!).sub(table!.gather(index).detach()).mul(weight).reshape(hidden!.shape)
        : undefined,
      needed[1]
        ? [
            probabilities!.rowProducts(weighted),
            { kind: "rows" as const, axis: 0, indices: index, value: weighted.mul(-1) },
          ]
        : undefined,
      undefined,
    ];
  },
});
