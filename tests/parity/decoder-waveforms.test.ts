/** Decoding end to end, in one piece and streamed, against upstream's waveforms: README of the fixtures, section 4. */
import { createRuntime, type Runtime } from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadFlowDecoder } from "../../packages/codec/src/decoders/flow-decoder.ts";
import type { SpectrogramDecoder } from "../../packages/codec/src/decoders/spectrogram-decoder.ts";
import {
  cases,
  checkpoint,
  expectClose,
  readJson,
  report,
  signalToNoise,
  streams,
  tokensOf,
  variants,
} from "./decoder-fixtures.ts";

for (const device of ["cpu", "wasm"] as const) {
  describe.each(variants)(`%s on ${device}`, (variant) => {
    // narrower vectors in WASM, so other sums
    const melTolerance = device === "cpu" ? 1e-5 : 2e-5;
    let runtime: Runtime;
    let decoder: SpectrogramDecoder;
    beforeAll(async () => {
      runtime = await createRuntime({ device });
      decoder = await loadFlowDecoder(checkpoint(variant), "decoder", runtime);
    });
    afterAll(async () => {
      await decoder.dispose();
      await runtime.dispose();
      report();
    });

    test.each(cases.filter((c) => c.variant === variant))("$name", async (c) => {
      const embedding = c.has("embedding") ? c.golden("embedding").data : undefined;
      const feat = c.has("prompt_feat") ? c.golden("prompt_feat") : undefined;
      const prompt = feat && {
        tokens: tokensOf(c, "prompt_token"),
        mel: { data: transposed(feat.data, 80), frames: feat.shape[1] as number },
      };
      const { waveform, mel, f0 } = await decoder.synthesize(tokensOf(c), { embedding, prompt });
      expectClose("mel", mel.data, c.golden("mel").data, melTolerance);
      if (c.has("f0")) expectClose("f0, end to end", f0, c.golden("f0").data, 1e-3);
      const want = c.golden("wav").data;
      expectClose("wav, end to end", waveform, want, 2e-3);
      expect(signalToNoise(waveform, want)).toBeGreaterThan(35);
    });

    test.each(streams.filter((c) => c.variant === variant))("stream $name", async (c) => {
      const expected = readJson(`${variant}/expected.json`).stream[c.name];
      const blockSize = variant === "uniaudio" ? 20 : undefined;
      let i = 0;
      for await (const piece of decoder.synthesizeStream(tokensOf(c), { blockSize })) {
        const mel = c.golden(`chunk${i}_mel`);
        const want = c.golden(`chunk${i}_wav`).data;
        expect(piece.mel.frames).toBe(mel.shape[2]);
        expectClose("mel, streamed", piece.mel.data, mel.data, melTolerance);
        expectClose("f0, streamed", piece.f0, c.golden(`chunk${i}_f0`).data, 1e-3);
        expectClose("wav, streamed", piece.waveform, want, 2e-3);
        expect(signalToNoise(piece.waveform, want)).toBeGreaterThan(35);
        i++;
      }
      expect(i).toBe(expected.chunks.length);
    });
  });
}

/** [frames, bins] → [bins, frames]. */
function transposed(data: Float32Array, bins: number): Float32Array {
  const frames = data.length / bins;
  return Float32Array.from(data, (_, i) => data[(i % frames) * bins + Math.floor(i / frames)] as number);
}
