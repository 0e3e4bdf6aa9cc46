import { describe, expect, test } from "vitest";
import { fixtureJson } from "../fixtures.ts";
import { constant, cosine, oneCycle, oneCycleMomentum } from "./schedules.ts";

const expected = fixtureJson<{
  lr_schedule_num_steps5000_warmup1000: { step: number; encoder_lr: number; decoder_lr: number }[];
}>("training/seq2seq/expected.json");

test("cosine with warm-up, as upstream's recipe has it", () => {
  const schedule = (learningRate: number, minimum: number) =>
    cosine({ learningRate, minimum, totalSteps: 5000, warmupSteps: 1000 });
  const encoder = schedule(1e-5, 1e-6);
  const decoder = schedule(6e-4, 6e-5);
  const table = expected.lr_schedule_num_steps5000_warmup1000;
  expect(table.length).toBe(13);
  for (const { step, encoder_lr, decoder_lr } of table) {
    expect(Math.abs(encoder(step) / encoder_lr - 1), `step ${step}`).toBeLessThan(1e-12);
    expect(Math.abs(decoder(step) / decoder_lr - 1), `step ${step}`).toBeLessThan(1e-12);
  }
});

test("constant with warm-up", () => {
  const schedule = constant({ learningRate: 1e-3, warmupSteps: 4 });
  expect([0, 2, 4, 1000].map(schedule)).toEqual([1e-6, 1e-6 + (1e-3 - 1e-6) / 2, 1e-3, 1e-3]);
});

interface Cycle {
  options: {
    max_lr: number;
    total_steps: number;
    pct_start?: number;
    div_factor?: number;
    final_div_factor?: number;
  };
  rows: [number, number][];
}

describe.each(fixtureJson<Cycle[]>("training/adamw/one-cycle.json"))("one cycle of %o", ({ options, rows }) => {
  const { max_lr, total_steps, pct_start, div_factor, final_div_factor } = options;
  const common = { totalSteps: total_steps, ...(pct_start !== undefined && { risingShare: pct_start }) };
  const cycle = {
    ...common,
    maximum: max_lr,
    ...(div_factor !== undefined && { startDivisor: div_factor }),
    ...(final_div_factor !== undefined && { endDivisor: final_div_factor }),
  };

  test("is torch's", () => {
    const rate = oneCycle(cycle);
    const momentum = oneCycleMomentum(common);
    for (const [step, [lr, beta1]] of rows.entries()) {
      expect(Math.abs(rate(step) / lr - 1), `step ${step}`).toBeLessThan(1e-9);
      expect(Math.abs(momentum(step) - beta1), `step ${step}`).toBeLessThan(1e-12);
    }
    expect(rate(total_steps + 5)).toBe(rate(total_steps - 1));
  });

  test("follows a warm-up that leads to its start", () => {
    const shifted = oneCycle({ ...cycle, totalSteps: total_steps + 3, warmupSteps: 3 });
    const alone = oneCycle(cycle);
    expect(shifted(0)).toBe(1e-6);
    for (const [step] of rows.entries()) expect(shifted(step + 3)).toBe(alone(step));
  });
});

describe("impossible schedules are refused", () => {
  test.each([
    [() => constant({ learningRate: Number.NaN }), "the learning rate is NaN"],
    [() => constant({ learningRate: 1, warmupSteps: 1.5 }), "the warm-up has 1.5 steps"],
    [() => cosine({ learningRate: 1, minimum: -1, totalSteps: 5 }), "the minimum learning rate is -1"],
    [() => cosine({ learningRate: 1, minimum: 0, totalSteps: 0 }), "the schedule has 0 steps"],
    [
      () => cosine({ learningRate: 1, minimum: 0, totalSteps: 5, warmupSteps: 5 }),
      "the warm-up of 5 steps must be shorter than the schedule of 5",
    ],
    [() => oneCycle({ maximum: 1, totalSteps: 5, risingShare: 2 }), "the rising share is 2"],
  ])("%#", (make, message) => expect(make).toThrow(message));
});
