/**
 * Stage `decoder`: log-mel from codes, fitted in closed form; writes models/base/decoder.
 *
 * First a ridge regression from the code vectors of seven tokens, then for every code the mean of what the regression
 * leaves over, shrunk where the code is rare: the part of a code's sound that is not linear in its vector.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DECODER_SAMPLE_RATE, decoderMel, resample } from "@uat/audio";
import { buildGraph, compile, createRuntime, float32ToFloat16, symbol } from "@uat/graph";
import { Random } from "@uat/training";
import {
  AudioTokenizer,
  directoryFiles,
  type LazyTensor,
  openSafetensorsModel,
  readFloat32,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { asConvolution, CONTEXT, MEL_BINS, SUBFRAMES, subframeTargets, windows } from "./alignment.ts";
import { productOnEngine } from "./engine.ts";
import { RidgeRegression } from "./ridge.ts";
import { makeSegments } from "./segments.ts";
import { SHARD_SAMPLE_RATE, Shard } from "./shard.ts";

/** Weight of the penalty against large coefficients, relative to unit-variance inputs. */
const RIDGE = 1e-3;
/** Occurrences at which a code's own residual counts half. */
const SHRINKAGE = 8;
const OUTPUTS = SUBFRAMES * MEL_BINS;

const half = (values: Float32Array): Uint8Array => new Uint8Array(float32ToFloat16(values).buffer);

interface Sequence {
  readonly codes: Int32Array;
  /** [tokens, 4 · 80] */
  readonly targets: Float32Array;
}

/** Codes and mel targets of the training audio. Telephone recordings are left out: they hold nothing above 4 kHz. */
async function sequences(model: string, base: string, log: (line: string) => void): Promise<Sequence[]> {
  const tokenizer = await AudioTokenizer.fromPretrained(model);
  const shard = await Shard.open(base);
  const wideBand = shard.clips.filter((clip) => clip.originalRate > 8000);
  const out: Sequence[] = [];
  for (const segment of makeSegments(wideBand, new Random(11))) {
    const samples = await shard.readJoined(segment);
    const mel = decoderMel(resample(samples, SHARD_SAMPLE_RATE, DECODER_SAMPLE_RATE));
    const { clips } = await tokenizer.encode({ samples, sampleRate: SHARD_SAMPLE_RATE });
    const codes = clips[0]?.codes ?? new Int32Array(0);
    if (mel.frames < 4 || codes.length < 2) continue;
    out.push({ codes, targets: subframeTargets(mel.data, mel.frames, codes.length) });
    if (out.length % 100 === 0) log(`  ${out.length} pieces tokenised`);
  }
  await shard.close();
  await tokenizer.dispose();
  return out;
}

export async function fitDecoder(options: {
  model: string;
  shard: string;
  out: string;
  log: (line: string) => void;
}): Promise<void> {
  const { log } = options;
  const store = await openSafetensorsModel(directoryFiles(options.model), "tokenizer/model");
  const [size = 0, d = 0] = store.info("codebook.weight")?.shape ?? [];
  const codebook = await readFloat32(store, "codebook.weight");
  await store.close();
  const data = await sequences(options.model, options.shard, log);
  const runtime = await createRuntime();
  const inputs = (2 * CONTEXT + 1) * d;
  const windowsOf = (codes: Int32Array): Float32Array => {
    const vectors = new Float32Array(codes.length * d);
    for (const [t, c] of codes.entries()) vectors.set(codebook.subarray(c * d, (c + 1) * d), t * d);
    return windows(vectors, codes.length, d);
  };

  const ridge = new RidgeRegression(inputs, OUTPUTS, await productOnEngine(runtime));
  for (const { codes, targets } of data) await ridge.add(windowsOf(codes), targets, codes.length);
  const { weight, bias, explained } = ridge.solve(RIDGE);
  log(`  log-mel variance explained by the regression: ${explained.toFixed(3)}`);

  const predict = await compile(
    runtime,
    buildGraph("predict", (g) => {
      const x = g.input("x", [symbol("rows"), inputs]);
      return { y: x.linear(g.input("weight", [OUTPUTS, inputs]), g.input("bias", [OUTPUTS])) };
    }),
  );
  const sums = new Float64Array(size * OUTPUTS);
  const counts = new Int32Array(size);
  for (const { codes, targets } of data) {
    const { y } = await predict.run({
      x: { data: windowsOf(codes), shape: [codes.length, inputs] },
      weight: { data: weight, shape: [OUTPUTS, inputs] },
      bias: { data: bias, shape: [OUTPUTS] },
    });
    const predicted = y?.data as Float32Array;
    for (const [t, c] of codes.entries()) {
      counts[c] = (counts[c] as number) + 1;
      for (let o = 0; o < OUTPUTS; o++) {
        const at = c * OUTPUTS + o;
        sums[at] = (sums[at] as number) + (targets[t * OUTPUTS + o] as number) - (predicted[t * OUTPUTS + o] as number);
      }
    }
  }
  const residual = Float32Array.from(sums, (s, i) => s / ((counts[Math.floor(i / OUTPUTS)] as number) + SHRINKAGE));
  await runtime.dispose();

  mkdirSync(dirname(options.out), { recursive: true });
  await writeSafetensorsFile(
    options.out,
    new Map<string, LazyTensor>([
      ["embedding.weight", { dtype: "F16", shape: [size, d], data: () => half(codebook) }],
      ["residual.weight", { dtype: "F16", shape: [size, OUTPUTS], data: () => half(residual) }],
      [
        "map.weight",
        { dtype: "F16", shape: [OUTPUTS, d, 2 * CONTEXT + 1], data: () => half(asConvolution(weight, OUTPUTS, d)) },
      ],
      ["map.bias", { dtype: "F16", shape: [OUTPUTS], data: () => half(bias) }],
    ]),
  );
}
