import { expect, test } from "vitest";
import { type Codec, compareCodecs } from "../../apps/playground/src/engine/self-test.ts";

/** A codec that gives `codes`, a tone of `hertz` and takes `milliseconds`. */
function fake({ codes = [1, 2, 3], hertz = 300, phase = 0, milliseconds = 0, broken = false } = {}): Codec {
  const pause = () => new Promise((done) => setTimeout(done, milliseconds));
  const tokenizer = {
    async encode() {
      await pause();
      return { clips: [{ codes: Int32Array.from(codes) }] };
    },
  };
  const decoder = {
    async decode() {
      if (broken) throw new Error("device lost");
      const waveform = Float32Array.from(
        { length: 22050 },
        (_, i) => 0.3 * Math.sin(phase + (2 * Math.PI * hertz * i) / 22050),
      );
      return { waveform, sampleRate: 22050 };
    },
  };
  return { tokenizer, decoder } as unknown as Codec;
}

test("what gives the same codes and the same sound is equal, whatever its phases", async () => {
  const { problem, speedup } = await compareCodecs(fake({ milliseconds: 60 }), fake({ phase: 1, milliseconds: 5 }));
  expect(problem).toBeUndefined();
  expect(speedup).toBeGreaterThan(1);
});

test.each([
  ["one other code", { codes: [1, 2, 4] }, "WebGPU gives 1 of 3 codes otherwise than WASM"],
  ["fewer codes", { codes: [1, 2] }, "WebGPU gives 1 of 3 codes otherwise than WASM"],
  ["another sound", { hertz: 1200 }, "WebGPU decodes to another sound than WASM"],
  ["a lost device", { broken: true }, "WebGPU fails: device lost"],
])("%s is told", async (_, rival, message) => {
  expect((await compareCodecs(fake(), fake(rival))).problem).toBe(message);
});
