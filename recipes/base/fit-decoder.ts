/** Stage `decoder`: ridge regression from the codes of the training audio to its log-mel; writes models/base/decoder. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DECODER_SAMPLE_RATE, decoderMel, resample } from "@uat/audio";
import { createRuntime, float32ToFloat16 } from "@uat/graph";
import { AudioTokenizer, directoryFiles, openSafetensorsModel, readFloat32 } from "universal-audio-tokenizer/internal";
import { asConvolution, CONTEXT, MEL_BINS, SUBFRAMES, subframeTargets, windows } from "./alignment.ts";
import { productOnEngine } from "./engine.ts";
import { RidgeRegression } from "./ridge.ts";
import { SHARD_SAMPLE_RATE, Shard } from "./shard.ts";
import { writeSafetensors } from "./write-safetensors.ts";

/** Weight of the penalty against large coefficients, relative to unit-variance inputs. */
const RIDGE = 1e-3;
const ROWS_AT_ONCE = 2000;

const half = (values: Float32Array): Uint8Array => new Uint8Array(float32ToFloat16(values).buffer);

export async function fitDecoder(options: { model: string; shard: string; out: string; log: (line: string) => void }): Promise<void> {
  const { log } = options;
  const store = await openSafetensorsModel(directoryFiles(options.model), "tokenizer/model");
  const [size = 0, d = 0] = store.info("codebook.weight")?.shape ?? [];
  const codebook = await readFloat32(store, "codebook.weight");
  const tokenizer = await AudioTokenizer.fromPretrained(options.model);
  const runtime = await createRuntime();
  const inputs = (2 * CONTEXT + 1) * d;
  const outputs = SUBFRAMES * MEL_BINS;
  const ridge = new RidgeRegression(inputs, outputs, await productOnEngine(runtime));

  const shard = await Shard.open(options.shard);
  let xs: Float32Array[] = [];
  let ys: Float32Array[] = [];
  let rows = 0;
  const flush = async () => {
    if (rows === 0) return;
    await ridge.add(join(xs, rows * inputs), join(ys, rows * outputs), rows);
    xs = [];
    ys = [];
    rows = 0;
  };
  for (const [i, clip] of shard.clips.entries()) {
    const samples = await shard.read(clip);
    const { clips } = await tokenizer.encode({ samples, sampleRate: SHARD_SAMPLE_RATE });
    const codes = clips[0]?.codes ?? new Int32Array(0);
    const mel = decoderMel(resample(samples, SHARD_SAMPLE_RATE, DECODER_SAMPLE_RATE));
    if (mel.frames < 4 || codes.length < 2) continue;
    const vectors = new Float32Array(codes.length * d);
    for (const [t, c] of codes.entries()) vectors.set(codebook.subarray(c * d, (c + 1) * d), t * d);
    xs.push(windows(vectors, codes.length, d));
    ys.push(subframeTargets(mel.data, mel.frames, codes.length));
    rows += codes.length;
    if (rows >= ROWS_AT_ONCE) await flush();
    if (i % 500 === 499) log(`  ${i + 1} of ${shard.clips.length} clips`);
  }
  await flush();
  await shard.close();
  const { weight, bias, explained } = ridge.solve(RIDGE);
  log(`  log-mel variance explained on the training audio: ${explained.toFixed(3)}`);
  await tokenizer.dispose();
  await runtime.dispose();

  mkdirSync(dirname(options.out), { recursive: true });
  await writeSafetensors(
    options.out,
    new Map([
      ["embedding.weight", { dtype: "F16", shape: [size, d], data: half(codebook) }],
      ["map.weight", { dtype: "F16", shape: [outputs, d, 2 * CONTEXT + 1], data: half(asConvolution(weight, outputs, d)) }],
      ["map.bias", { dtype: "F16", shape: [outputs], data: half(bias) }],
    ]),
  );
}

function join(parts: readonly Float32Array[], length: number): Float32Array {
  const out = new Float32Array(length);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
