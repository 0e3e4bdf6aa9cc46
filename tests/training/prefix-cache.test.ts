/** Training from the kept outputs of frozen layers is training from the features, up to half precision, and resumes exactly. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Random, train } from "@uat/training";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "prefix-"));
  const random = new Random(3);
  const rows = Array.from({ length: 6 }, (_, i) => {
    // clips of odd lengths: padding must not reach what is kept
    const samples = Float32Array.from(
      { length: 5000 + 777 * i },
      (_, n) => 0.3 * Math.sin(n * (0.05 + 0.02 * i)) + 0.02 * random.normal(),
    );
    writeFileSync(join(folder, `${i}.wav`), encodeWav([samples], 16000));
    return JSON.stringify({
      path: `${i}.wav`,
      text: ["dog", "cat", "bird"][i % 3],
      task: "caption",
      tags: [`t${i % 2}`],
    });
  });
  writeFileSync(join(folder, "list.jsonl"), `${rows.join("\n")}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  readonly loss: number;
  readonly quantizer_loss: number;
  readonly log_mel_loss: number;
  readonly pitch_loss: number;
  readonly agreement_loss?: number;
  readonly agreement?: number;
}

/** @param pooling after which layer frames are pooled: before or behind the cached ones. */
async function losses(
  name: string,
  pooling: number,
  cache: number | null,
  parts: readonly number[],
  objectives = {},
): Promise<Row[]> {
  const group = { lr: 1e-3, warmup: 0 };
  const config = {
    system: "tokenizer",
    seed: 5,
    steps: 6,
    batch_size: 2,
    evaluate_every: 0,
    workers: 0,
    model: {
      tokenizer: "bytes",
      freeze: ["encoder.conv1", "encoder.conv2", "encoder.layers.0", "encoder.layers.1"],
      cache_prefix: cache,
      config: {
        d_model: 16,
        encoder_layers: 4,
        encoder_attention_heads: 2,
        encoder_ffn_dim: 32,
        decoder_layers: 1,
        decoder_attention_heads: 2,
        decoder_ffn_dim: 32,
        num_mel_bins: 80,
        max_target_positions: 32,
        pooling_kernel_size: 2,
        pooling_type: "avg",
        pooling_position: pooling,
        quantize_vocab_size: 16,
        quantize_position: 4,
        quantize_ema_decay: 0.95,
        encoder_residual_source_position: 1,
        encoder_residual_target_position: 3,
        use_residual_adapter: true,
        use_residual_gate: true,
      },
    },
    data: { train: [{ manifest: "list.jsonl" }], max_seconds: 1 },
    optimizer: { groups: { encoder: group, decoder: group, rest: group } },
    objectives: { tags: {}, frames: { log_mel: 1, pitch: 0.5 }, ...objectives },
  };
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, JSON.stringify(config));
  const out = join(folder, name);
  for (const [i, steps] of parts.entries()) await train(path, { out, steps, resume: i > 0 });
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Row);
}

test.each([0, 1, 2, 3])("pooling after layer %i", async (pooling) => {
  const direct = await losses(`direct-${pooling}`, pooling, null, [6]);
  const cached = await losses(`cached-${pooling}`, pooling, 2, [6]);
  for (const [i, row] of cached.entries()) {
    for (const name of ["loss", "quantizer_loss", "log_mel_loss", "pitch_loss"] as const) {
      expect(row[name]).not.toBeNaN();
      expect(Math.abs(row[name] - direct[i]![name])).toBeLessThan(5e-3 * Math.max(1, direct[i]![name]));
    }
  }
  // the second part finds in the cache what the first part computed
  const resumed = await losses(`resumed-${pooling}`, pooling, 2, [2, 6]);
  const values = (rows: Row[]) => rows.map((row) => row.loss);
  expect(values(resumed)).toEqual(values(cached));
});

test("changed copies: kept beside their originals, resumed exactly, and taught what features give", async () => {
  // a gain is drawn anew for each clip that is met without a cache; one that is always the same can be compared
  const objectives = { agreement: { weight: 1, changes: { gain: { probability: 1, decibels: [-12, -12] } } } };
  const direct = await losses("direct-copies", 2, null, [6], objectives);
  const cached = await losses("cached-copies", 2, 2, [6], objectives);
  const near = (i: number, name: "loss" | "log_mel_loss" | "agreement_loss") =>
    expect(Math.abs(cached[i]![name]! - direct[i]![name]!)).toBeLessThan(5e-3 * Math.max(1, direct[i]![name]!));
  for (const i of cached.keys()) near(i, "log_mel_loss");
  // half precision of what is kept moves a few codes, and 16 moving codes of 42 frames then part ways: later steps differ
  near(0, "loss");
  near(0, "agreement_loss");
  const resumed = await losses("resumed-copies", 2, 2, [2, 6], objectives);
  expect(resumed.map((row) => row.agreement_loss)).toEqual(cached.map((row) => row.agreement_loss));
  // a copy that is not changed differs from its original by dropout alone
  const same = await losses("same-copies", 2, 2, [2], {
    agreement: { weight: 1, changes: { gain: { probability: 1, decibels: [0, 0] } } },
  });
  expect(same[0]!.agreement_loss!).toBeLessThan(cached[0]!.agreement_loss!);
  expect(same[0]!.agreement!).toBeGreaterThan(cached[0]!.agreement!);
});
