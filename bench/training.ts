/** A training step of a tokeniser with Whisper base's geometry: codes at 25 Hz, 10 s clips, 100 target tokens. */
import { createRuntime, type NumericArray } from "@uat/graph";
import { Random } from "@uat/training";
import { parseRunConfig, type TokenizerRun } from "../packages/training/src/config/read-run-config.ts";
import type { Batch } from "../packages/training/src/data/loader.ts";
import { alone } from "../packages/training/src/loop/collective.ts";
import { TokenizerSystem } from "../packages/training/src/systems/tokenizer-system.ts";

const VOCABULARY = 51868;
const FRAMES = 1000;
const TOKENS = 100;

const CONFIG = `
system: tokenizer
steps: 1000000
model:
  tokenizer: bytes
  config:
    d_model: 512
    encoder_layers: 6
    encoder_attention_heads: 8
    encoder_ffn_dim: 2048
    decoder_layers: 6
    decoder_attention_heads: 8
    decoder_ffn_dim: 2048
    num_mel_bins: 80
    vocab_size: ${VOCABULARY}
    pooling_kernel_size: 2
    pooling_type: avg
    pooling_position: 0
    quantize_vocab_size: 8192
    quantize_position: 4
    quantize_ema_decay: 0.95
    quantize_restart_interval: 10
data:
  train: [{ manifest: none.jsonl, task: asr }]
`;

/** @returns a function that makes one whole step: forward, backward, clipping, AdamW, codebook. */
export async function trainingStep(batchSize: number, recompute: boolean): Promise<() => Promise<number | undefined>> {
  const runtime = await createRuntime({ device: "cpu", thread: "calling" });
  const run = { ...(parseRunConfig(CONFIG, "bench.yaml") as TokenizerRun), recompute };
  const system = await TokenizerSystem.create(run, {
    runtime,
    collective: alone,
    file: "bench.yaml",
    out: ".",
    async *examples() {},
  });
  const random = new Random(1);
  const floats = (...shape: number[]): NumericArray => ({
    data: Float32Array.from({ length: shape.reduce((p, d) => p * d, 1) }, () => random.normal()),
    shape,
  });
  const ids = (): NumericArray => ({
    data: Int32Array.from({ length: batchSize * TOKENS }, () => random.below(VOCABULARY)),
    shape: [batchSize, TOKENS],
  });
  const batch: Batch = {
    position: 0,
    next: batchSize,
    ids: Array.from({ length: batchSize }, (_, i) => String(i)),
    examples: [],
    unreadable: [],
    tensors: {
      input_features: floats(batchSize, 80, FRAMES),
      attention_mask: { data: new Int32Array(batchSize * FRAMES).fill(1), shape: [batchSize, FRAMES] },
      decoder_input_ids: ids(),
      labels: ids(),
    },
  };
  return async () => {
    await system.step([batch]);
    return undefined;
  };
}
