/** The page of training.test.ts: loss and gradients of a whole tokeniser, compared with PyTorch's. */
import {
  npyNumbers,
  openSafetensorsModel,
  parseWhisperVqConfig,
  readFloat32,
  readJson,
  readNpy,
  type TensorStore,
  urlFiles,
} from "universal-audio-tokenizer/internal";
import { createRuntime, type Device } from "../../packages/graph/src/index.ts";
import { LossProgram } from "../../packages/training/src/engine/loss-program.ts";
import { Dropout } from "../../packages/training/src/objectives/dropout.ts";
import { type TokenizerConfig, tokenizerObjective } from "../../packages/training/src/objectives/tokenizer.ts";
import { ParameterArena } from "../../packages/training/src/optimizer/parameter-arena.ts";

export interface GradientReport {
  readonly runtime: string;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Trained parameters that the loss did not reach. */
  readonly without: readonly string[];
  /** Names of the gradients that PyTorch gives. */
  readonly expected: readonly string[];
  /** Largest difference of each gradient from PyTorch's, relative to its largest value. */
  readonly errors: Readonly<Record<string, number>>;
  /** Loss of a second run. */
  readonly again: number;
}

async function readAll(store: TensorStore): Promise<Map<string, { shape: readonly number[]; values: Float32Array }>> {
  const all = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const name of store.names()) {
    const { shape } = store.info(name) as { shape: readonly number[] };
    all.set(name, { shape, values: await readFloat32(store, name) });
  }
  await store.close();
  return all;
}

async function array(url: string) {
  const read = readNpy(new Uint8Array(await (await fetch(url)).arrayBuffer()));
  return { data: Float32Array.from(npyNumbers(read)), shape: read.shape };
}

async function integers(url: string) {
  const { data, shape } = await array(url);
  return { data: Int32Array.from(data), shape };
}

function worst(got: Float32Array, want: Float32Array): number {
  let difference = 0;
  let largest = 0;
  for (const [i, w] of want.entries()) {
    const d = Math.abs((got[i] as number) - w);
    if (!(d <= difference)) difference = d; // also what is not a number
    largest = Math.max(largest, Math.abs(w));
  }
  return largest === 0 ? difference : difference / largest;
}

/** @param folder URL of a copy of tests/fixtures/training/seq2seq, ending with a slash. */
async function compareGradients(
  device: Device,
  folder: string,
  notTrained: readonly string[],
  recompute: boolean,
): Promise<GradientReport> {
  const base = new URL(folder, location.href).href;
  const files = urlFiles(`${base}checkpoint/`);
  const json = (await readJson(files, "config.json")) as { max_source_positions: number };
  // its position table is shorter than the 30 s that tokenising asks for
  const { max_source_positions, ...rest } = json;
  const config = {
    ...json,
    ...parseWhisperVqConfig(rest, "config.json"),
    max_source_positions,
  } as unknown as TokenizerConfig;
  const weights = await readAll(await openSafetensorsModel(files, "model"));
  const goldens = await readAll(await openSafetensorsModel(urlFiles(base), "grads_step1"));
  const inputs = {
    input_features: await array(`${base}input_features.npy`),
    attention_mask: await integers(`${base}attention_mask.npy`),
    decoder_input_ids: await integers(`${base}decoder_input_ids.npy`),
    labels: await integers(`${base}labels.npy`),
  };
  const trained = [...weights.keys()].filter((name) => !notTrained.includes(name) && !/codebook|ema_/.test(name));
  const parameters = ParameterArena.from([...weights].map(([name, w]) => ({ name, ...w })));
  const runtime = await createRuntime({ device, threads: 2 });
  const program = await LossProgram.compile(
    runtime,
    "tokenizer",
    { parameters, trained: new Set(trained) },
    (graph, p) =>
      tokenizerObjective(graph, p, config, {
        training: { dropout: new Dropout(), rates: { layer: 0, adapter: 0 }, recompute },
      }),
  );
  const gradients = parameters.companion(trained);
  gradients.values.fill(Number.NaN); // every one must be written
  const { loss, metrics } = await program.run(inputs, gradients);
  const errors = Object.fromEntries(
    trained.map((name) => {
      const golden = goldens.get(name);
      return [name, golden ? worst(gradients.view(name), golden.values) : Number.NaN];
    }),
  );
  const { loss: again } = await program.run(inputs, gradients);
  await program.dispose();
  await runtime.dispose();
  return {
    runtime: runtime.name,
    loss,
    metrics,
    without: [...program.without],
    expected: [...goldens.keys()],
    errors,
    again,
  };
}

export interface TrainingPage {
  compareGradients: typeof compareGradients;
}
Object.assign(globalThis, { compareGradients } satisfies TrainingPage);
