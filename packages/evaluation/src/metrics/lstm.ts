/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997) with PyTorch's gates and parameter names, written out frame
 * by frame: a program runs as many frames as its input has and hands its state on to the next run.
 */
import type { Scope, Tensor } from "@uat/graph";

export interface LstmState {
  /** [batch, hidden] each. */
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/**
 * One layer over x [batch, frames, in], frames known: outputs [batch, frames, hidden] and the state after the last one.
 * Parameters `weight_ih_l{layer}` [4·hidden, in], `weight_hh_l{layer}` [4·hidden, hidden] and their biases; gates in the
 * order input, forget, candidate, output.
 */
export function lstmLayer(x: Tensor, p: Scope, layer: number, before: LstmState): { output: Tensor; state: LstmState } {
  const hidden = before.hidden.dim(1) as number;
  const frames = x.dim(1) as number;
  const parameter = (name: string, ...rest: number[]) => p.tensor(`${name}_l${layer}`, [4 * hidden, ...rest]);
  const fromInput = x.linear(parameter("weight_ih", x.dim(2) as number), parameter("bias_ih"));
  const recurrent = parameter("weight_hh", hidden);
  const bias = parameter("bias_hh");
  let { hidden: h, cell: c } = before;
  const outputs: Tensor[] = [];
  for (let t = 0; t < frames; t++) {
    const gates = fromInput
      .slice(1, t, t + 1)
      .reshape([x.dim(0), 4 * hidden])
      .add(h.linear(recurrent, bias));
    const gate = (i: number) => gates.slice(1, i * hidden, (i + 1) * hidden);
    c = gate(1)
      .sigmoid()
      .mul(c)
      .add(gate(0).sigmoid().mul(gate(2).tanh()));
    h = gate(3).sigmoid().mul(c.tanh());
    outputs.push(h.unsqueeze(1));
  }
  const [first, ...others] = outputs as [Tensor, ...Tensor[]];
  return { output: others.length > 0 ? first.concat(1, ...others) : first, state: { hidden: h, cell: c } };
}
