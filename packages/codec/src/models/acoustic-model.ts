/**
 * Codes → mel and pitch in one pass: a stack of feed-forward transformer blocks as in FastSpeech 2 (Ren et al., 2020,
 * arXiv 2006.04558, section 2.2), self-attention and then a convolution of some positions' width in place of the first
 * feed-forward layer, which is also what tells positions apart. It runs at the rate of the codes; at the end each token is split into
 * equal sub-frames. Pitch is foretold beside the mel, since 80 mel bands hardly show it: it drives the vocoder.
 */
import { type Graph, mulDim, type Scope, symbol, type Tensor } from "@uat/graph";
import { multiHead } from "../nn/attention.ts";
import { conv1d } from "../nn/convolution.ts";
import { linear } from "../nn/linear.ts";
import { layerNorm } from "../nn/norm.ts";
import type { TrainingOptions } from "../nn/training-options.ts";
import { paddingBias } from "./whisper-encoder.ts";

/** The fields of `acoustic` in config.yaml that shape the network. */
export interface AcousticModelConfig {
  readonly vocab_size: number;
  /** Width of the token embedding. */
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_blocks: number;
  readonly attention_heads: number;
  /** Channels and width of the convolution in each block. */
  readonly filter_size: number;
  readonly kernel_size: number;
  /** Sub-frames of a token, and channels while they are smoothed. */
  readonly subframes: number;
  readonly subframe_size: number;
  /** Mel bins. */
  readonly output_size: number;
  readonly dropout_rate: number;
}

/** Octaves are counted from here, Hz: about the middle of human voices. */
export const REFERENCE_PITCH = 160;

const INPUT_KERNEL = 5;
const SUBFRAME_KERNEL = 5;

/** What the network foretells of each sub-frame. */
export interface AcousticValues {
  /** Log-mel (natural logarithm) [batch, sub-frames, mels]. */
  readonly mel: Tensor;
  /** Octaves above {@link REFERENCE_PITCH} [batch, sub-frames]. */
  readonly pitch: Tensor;
  /** Log-odds of a voice being there [batch, sub-frames]. */
  readonly voicing: Tensor;
}

/** Over x [batch, time, in] → [batch, time, out], the length kept. */
const along = (x: Tensor, p: Scope, out: number, kernel: number): Tensor =>
  conv1d(x.transpose(0, 2, 1), p, out, { kernel, padding: (kernel - 1) / 2 }).transpose(0, 2, 1);

/**
 * tokens int32 [batch, N] → values at N · subframes.
 * @param mask int32 [batch, N]: 0 at tokens that only fill up a batch, and that no other sees; none by default.
 */
export function acousticModel(
  tokens: Tensor,
  p: Scope,
  c: AcousticModelConfig,
  { mask, dropout = (y) => y, layer: made = (body) => body() }: TrainingOptions & { readonly mask?: Tensor } = {},
): AcousticValues {
  const d = c.hidden_size;
  const drop = (x: Tensor) => dropout(x, c.dropout_rate);
  const [batch, n] = [tokens.dim(0), tokens.dim(1)];
  const bias = mask && paddingBias(mask);
  const column = mask?.cast("float32").reshape([batch, n, 1]);
  const kept = (x: Tensor) => (column ? x.mul(column) : x);
  const table = p.at("embedding").tensor("weight", [c.vocab_size, c.input_size]);
  let x = kept(along(kept(drop(table.gather(tokens))), p.at("input"), d, INPUT_KERNEL));
  for (let i = 0; i < c.num_blocks; i++) {
    const block = p.at("blocks", i);
    const input = x;
    x = made(() => {
      const attended = input.add(
        drop(multiHead(layerNorm(input, block.at("attention_norm")), block.at("attention"), c.attention_heads, bias)),
      );
      const normed = kept(layerNorm(attended, block.at("filter_norm")));
      const filtered = along(normed, block.at("filter"), c.filter_size, c.kernel_size).gelu();
      return kept(attended.add(drop(linear(filtered, block.at("projection"), d))));
    });
  }
  const count = mulDim(n, c.subframes);
  const split = linear(layerNorm(x, p.at("norm")), p.at("split"), c.subframes * c.subframe_size).gelu();
  let y = kept(split).reshape([batch, count, c.subframe_size]);
  y = y.add(along(y, p.at("smooth"), c.subframe_size, SUBFRAME_KERNEL).gelu());
  const values = along(y, p.at("output"), c.output_size + 2, SUBFRAME_KERNEL);
  const channel = (i: number) => values.slice(2, i, i + 1).reshape([batch, count]);
  return {
    mel: values.slice(2, 0, c.output_size),
    pitch: channel(c.output_size),
    voicing: channel(c.output_size + 1),
  };
}

/** For decoding: input `tokens` int32 [N]; returns {@link AcousticValues} of a batch of one. */
export function acousticGraph(graph: Graph, p: Scope, c: AcousticModelConfig): Record<string, Tensor> {
  const n = symbol("tokens");
  const tokens = graph.input("tokens", [n], "int32").reshape([1, n]);
  return { ...acousticModel(tokens, p, c) };
}
