import { createRuntime, type Runtime, symbol } from "@uat/graph";
import { quantize } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LossProgram } from "../engine/loss-program.ts";
import { fixtureJson, fixtureValues } from "../fixtures.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { validPositions } from "./masked.ts";
import { MovingCodebook, sumByCode, UsageMonitor } from "./moving-codebook.ts";
import { type QuantizerLossConfig, quantizerLoss } from "./quantizer-loss.ts";

/** 12 steps of PyTorch on one batch, the encoder frozen: 512 codes, 3 clips of up to 55 frames. */
interface Expected {
  readonly decay: number;
  readonly commit_coefficient: number;
  readonly loss_scale: number;
  readonly restart_interval: number;
  readonly steps: {
    readonly step: number;
    readonly quantized_loss: number;
    readonly codebook_usage: number;
    readonly ema_count_sum: number;
    readonly num_active_codes: number;
    readonly restart: { readonly population: number; readonly indices: number[] } | null;
  }[];
  readonly non_ema_branch: { readonly quantized_loss: number; readonly codebook_usage: number };
}

const at = (name: string) => fixtureValues(`training/vq/${name}.npy`);
const expected = fixtureJson<Expected>("training/vq/expected.json");
const hidden = at("hidden_before_vq");
const [batch, time, d] = hidden.shape as [number, number, number];
const mask = Int32Array.from(at("mask").data);
const valid = Array.from({ length: mask.length }, (_, i) => i).filter((i) => mask[i] === 1);
const inputs = { hidden, mask: { data: mask, shape: [batch, time] } };
const NAME = "codebook.weight";
/** The tolerance of the fixtures' README. */
const TOLERANCE = 1e-5;

const worst = (got: ArrayLike<number>, want: ArrayLike<number>): number => {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    difference = Math.max(difference, Math.abs((got[i] as number) - (want[i] as number)));
    largest = Math.max(largest, Math.abs(want[i] as number));
  }
  return difference / largest;
};

async function lossOf(runtime: Runtime, arena: ParameterArena, config: QuantizerLossConfig, trained: string[]) {
  return LossProgram.compile(runtime, "quantizer", { parameters: arena, trained: new Set(trained) }, (g, p) => {
    const x = g.input("hidden", [symbol("batch"), symbol("time"), d]);
    const positions = validPositions(g.input("mask", [symbol("batch"), symbol("time")], "int32"));
    const { codes, quantized } = quantize(x, p, 512);
    return { loss: quantizerLoss(x, quantized, positions, config), outputs: { codes, quantized } };
  });
}

const config = (decay: number | null): QuantizerLossConfig => ({
  quantize_commit_coefficient: expected.commit_coefficient,
  quantize_loss_scale: expected.loss_scale,
  quantize_ema_decay: decay,
  use_commit_loss: true,
});

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 2, thread: "calling" });
});
afterAll(() => runtime.dispose());

describe("twelve steps of the moving codebook", () => {
  test("losses, codes, averages, restart and usage are PyTorch's", async () => {
    const arena = ParameterArena.from([{ name: NAME, shape: [512, d], values: at("codebook_step0").data.slice() }]);
    const codebook = new MovingCodebook(
      {
        codes: arena.view(NAME),
        counts: at("ema_count_step0").data.slice(),
        sums: at("ema_weight_step0").data.slice(),
      },
      { decay: expected.decay, restartInterval: expected.restart_interval },
    );
    const usage = new UsageMonitor(512);
    const program = await lossOf(runtime, arena, config(expected.decay), []);
    for (const { step, restart, ...want } of expected.steps) {
      const { loss, outputs } = await program.run(inputs);
      expect(Math.abs(loss / want.quantized_loss - 1)).toBeLessThan(TOLERANCE);
      const codes = Int32Array.from(outputs.codes!.data as BigInt64Array, Number);
      if (step < 12) {
        const wanted = at(`ids_step${step}`).data;
        for (const i of valid) expect(codes[i]).toBe(wanted[i]);
      } else {
        // the restart made equal rows, so rounding decides between them: any nearest code is right
        const quantized = outputs.quantized!.data as Float32Array;
        for (const i of valid) {
          const frame = hidden.data.subarray(i * d, (i + 1) * d);
          const distance = (q: Float32Array) => q.reduce((sum, v, j) => sum + (v - frame[j]!) ** 2, 0);
          const nearest = Math.min(
            ...Array.from({ length: 512 }, (_, k) => distance(codebook.codes.subarray(k * d, (k + 1) * d))),
          );
          expect(distance(quantized.subarray(i * d, (i + 1) * d))).toBeLessThan(nearest + 1e-3);
        }
        break;
      }
      const chosen = valid.map((i) => codes[i] as number);
      const frames = new Float32Array(valid.length * d);
      for (const [row, i] of valid.entries()) frames.set(hidden.data.subarray(i * d, (i + 1) * d), row * d);
      const { counts, sums } = sumByCode(frames, chosen, 512);
      const draws = [...(restart?.indices ?? [])];
      const update = codebook.update(counts, sums, frames, {
        below(n) {
          expect(n).toBe(restart?.population);
          return draws.shift() as number;
        },
      });
      expect(update).toEqual({ active: want.num_active_codes, restarted: restart?.indices.length ?? 0 });
      expect(draws).toEqual([]);
      usage.add(Int32Array.from(chosen));
      expect(usage.usage).toBe(want.codebook_usage);
      const sum = codebook.counts.reduce((a, b) => a + b, 0);
      expect(Math.abs(sum / want.ema_count_sum - 1)).toBeLessThan(TOLERANCE);
      if (step <= 2) {
        expect([...usage.recent.slice(-200)]).toEqual([...at(`codebook_used_tail_step${step}`).data]);
      }
      if ([1, 2, 10].includes(step)) {
        expect(worst(codebook.sums, at(`ema_weight_step${step}`).data)).toBeLessThan(TOLERANCE);
      }
      if ([1, 2, 3, 9, 10, 11].includes(step))
        expect(worst(codebook.counts, at(`ema_count_step${step}`).data)).toBeLessThan(TOLERANCE);
      if ([1, 2, 10, 11].includes(step))
        expect(worst(codebook.codes, at(`codebook_step${step}`).data)).toBeLessThan(TOLERANCE);
    }
    await program.dispose();
  });
});

test("without moving averages the codebook has PyTorch's loss and gradient", async () => {
  const arena = ParameterArena.from([{ name: NAME, shape: [512, d], values: at("codebook_step0").data.slice() }]);
  const program = await lossOf(runtime, arena, config(null), [NAME]);
  const gradients = arena.companion();
  const { loss } = await program.run(inputs, gradients);
  expect(Math.abs(loss / expected.non_ema_branch.quantized_loss - 1)).toBeLessThan(TOLERANCE);
  expect(worst(gradients.view(NAME), at("non_ema_codebook_grad").data)).toBeLessThan(TOLERANCE);
  await program.dispose();
});

describe("the usage monitor", () => {
  test("counts codes of the latest 4·size tokens, zeros at first", () => {
    const monitor = new UsageMonitor(2);
    expect(monitor.usage).toBe(0.5);
    monitor.add(Int32Array.of(1));
    expect([...monitor.recent]).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    expect(monitor.usage).toBe(1);
    monitor.add(Int32Array.from({ length: 11 }, (_, i) => (i < 3 ? 0 : 1)));
    expect([...monitor.recent]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(monitor.usage).toBe(0.5);
  });
});
