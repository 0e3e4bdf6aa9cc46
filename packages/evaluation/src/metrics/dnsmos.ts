/**
 * DNSMOS: how good speech sounds, guessed without its original by small networks that were trained on people's votes.
 * P.835 (C. Reddy et al., "DNSMOS P.835: a non-intrusive perceptual objective speech quality metric to evaluate noise
 * suppressors", ICASSP 2022) has one vote for the speech signal, one for the background and one overall; P.808 (Reddy et
 * al., ICASSP 2021) one for all. The networks are ONNX files of the PyPI package `speechmos` (MIT), which also fixes how
 * long clips are cut and how raw outputs become scores; scores agree with it.
 */
import { resample } from "@uat/audio";
import type { Program, Runtime } from "@uat/graph";
import type { ModelFiles } from "universal-audio-tokenizer/internal";
import { EvaluationError } from "../errors.ts";
import { powerMel } from "./power-mel.ts";

/** Files of the package, below the folder it is installed in. */
export const DNSMOS_FILES = {
  p835: "speechmos/dnsmos_models/sig_bak_ovr.onnx",
  p808: "speechmos/dnsmos_models/model_v8.onnx",
} as const;

const RATE = 16000;
/** Seconds that the networks hear at once, and the samples of them. */
const WINDOW_SECONDS = 9.01;
const WINDOW = 144_160;
const P808_FRAMES = 900;
const P808_MELS = 120;

/** From raw outputs to votes: coefficients of x², x and 1. */
const CURVES = {
  signal: [-0.08397278, 1.22083953, 0.0052439],
  background: [-0.13166888, 1.60915514, -0.39604546],
  overall: [-0.06766283, 1.11546468, 0.04602535],
} as const;

/** Mean opinion scores, about 1 (bad) to 5 (excellent). */
export interface DnsmosScores {
  readonly signal: number;
  readonly background: number;
  readonly overall: number;
  /** The single vote of the older listening test. */
  readonly p808: number;
}

export class Dnsmos {
  readonly #p835: Program;
  readonly #p808: Program;

  private constructor(p835: Program, p808: Program) {
    this.#p835 = p835;
    this.#p808 = p808;
  }

  /** @throws CheckpointError when a file is missing, EvaluationError when it is no network. */
  static async load(files: ModelFiles, runtime: Runtime): Promise<Dnsmos> {
    const program = async (path: string) => {
      const source = await files.open(path);
      try {
        return await runtime.loadFile(await source.read(0, source.size));
      } catch (cause) {
        throw new EvaluationError(`${path}: cannot be run as an ONNX file (${firstLine(cause)}); fetch it again`, {
          cause,
        });
      } finally {
        await source.close();
      }
    };
    return new Dnsmos(await program(DNSMOS_FILES.p835), await program(DNSMOS_FILES.p808));
  }

  /**
   * Means over windows of 9.01 s, one a second; a shorter clip is repeated until it fills one.
   * @param samples mono in [−1, 1], at least one.
   * @param sampleRate Hz; resampled to 16 kHz.
   */
  async score(samples: Float32Array, sampleRate: number): Promise<DnsmosScores> {
    const windows = windowsOf(sampleRate === RATE ? samples : resample(samples, sampleRate, RATE));
    let [signal, background, overall, p808] = [0, 0, 0, 0];
    for (const window of windows) {
      const raw = await run(this.#p835, { data: window, shape: [1, WINDOW] });
      signal += curve(CURVES.signal, raw[0] as number);
      background += curve(CURVES.background, raw[1] as number);
      overall += curve(CURVES.overall, raw[2] as number);
      const shape = [1, P808_FRAMES, P808_MELS];
      p808 += (await run(this.#p808, { data: p808Features(window), shape }))[0] as number;
    }
    const n = windows.length;
    return { signal: signal / n, background: background / n, overall: overall / n, p808: p808 / n };
  }

  async dispose(): Promise<void> {
    await this.#p835.dispose();
    await this.#p808.dispose();
  }
}

function windowsOf(samples: Float32Array): Float32Array[] {
  if (samples.length === 0) throw new EvaluationError("a clip without samples has no quality; expected at least one");
  let heard = samples;
  // the package appends the whole clip to what it has, so that the length doubles
  while (heard.length < WINDOW) {
    const twice = new Float32Array(2 * heard.length);
    twice.set(heard);
    twice.set(heard, heard.length);
    heard = twice;
  }
  // truncated towards zero as Python's int()
  const count = Math.trunc(Math.floor(heard.length / RATE) - WINDOW_SECONDS) + 1;
  return Array.from({ length: count }, (_, i) => heard.slice(i * RATE, i * RATE + WINDOW));
}

/** Log-mel [900, 120] in decibels below the loudest, 80 at most, (dB + 40) / 40. */
function p808Features(window: Float32Array): Float32Array {
  const { data } = powerMel(window.subarray(0, WINDOW - 160), { sampleRate: RATE, nFft: 321, hop: 160, mels: 120 });
  const decibels = (power: number) => 10 * Math.log10(Math.max(power, 1e-10));
  const loudest = decibels(data.reduce((a, b) => Math.max(a, b), 0));
  return data.map((power) => (Math.max(decibels(power) - loudest, -80) + 40) / 40);
}

async function run(program: Program, input: { data: Float32Array; shape: number[] }): Promise<Float32Array> {
  const outputs = Object.values(await program.run({ input_1: input }));
  return outputs[0]?.data as Float32Array;
}

const curve = ([a, b, c]: readonly [number, number, number], x: number): number => (a * x + b) * x + c;

const firstLine = (cause: unknown): string => (cause as Error).message.split("\n")[0]?.slice(0, 160) ?? "";
