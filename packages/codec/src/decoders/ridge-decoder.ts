/**
 * The interim decoder of the embedded model: a fitted linear map, no trained network.
 *
 * Ridge regression from the code vectors in a window of seven tokens to four sub-frames of log-mel a token (a
 * convolution), mel frames by picking the sub-frame they fall in, and phases by Griffin and Lim. It shows what the
 * codes hold; it does not sound natural.
 */
import { DECODER_HOP_LENGTH, DECODER_MELS, DECODER_SAMPLE_RATE, griffinLim } from "@uat/audio";
import { buildGraph, compile, type Graph, type Program, type Runtime, Scope, symbol } from "@uat/graph";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { parametersOf } from "../checkpoint/parameters.ts";
import { openSafetensorsModel } from "../checkpoint/safetensors.ts";
import type { TensorStore } from "../checkpoint/tensor-store.ts";
import { TokenizerError } from "../errors.ts";
import { checkCodes } from "./check-codes.ts";
import type { DecodeOptions, DecoderSystem, DecodeStreamOptions } from "./decoder-system.ts";

const TOKEN_RATE = 25;
/** Sub-frames of one token: an even grid of 100 a second. */
const SUBFRAMES = 4;
/** Tokens seen on either side. */
const CONTEXT = 3;
const MEL_RATE = DECODER_SAMPLE_RATE / DECODER_HOP_LENGTH;
/** Tokens decoded at once when streaming or when the list is long. */
const BLOCK = 250;
/** Tokens of overlap on either side of a block, cross-faded. */
const OVERLAP = 5;

/** Mel frames that stand for `tokens` tokens. */
const melFrames = (tokens: number): number => Math.floor((tokens / TOKEN_RATE) * MEL_RATE);

/** The graph of a ridge decoder: `codes` [1, tokens] → `subframes` [1, tokens, sub-frames · mels]. */
export async function ridgeGraph(
  files: ModelFiles,
  directory: string,
): Promise<{ graph: Graph; codebookSize: number; store: TensorStore }> {
  const store = await openSafetensorsModel(files, directory ? `${directory}/ridge` : "ridge");
  const [codebookSize = 0, d = 0] = store.info("embedding.weight")?.shape ?? [];
  const width = 2 * CONTEXT + 1;
  const graph = buildGraph("ridge", (g) => {
    const p = new Scope(g, parametersOf(store));
    const codes = g.input("codes", [1, symbol("tokens")], "int32");
    const vectors = p.at("embedding").tensor("weight", [codebookSize, d]).gather(codes).transpose(0, 2, 1);
    const map = p.at("map");
    const weight = map.tensor("weight", [SUBFRAMES * DECODER_MELS, d, width]);
    const bias = map.tensor("bias", [SUBFRAMES * DECODER_MELS]);
    const linear = vectors.conv1d(weight, bias, { padding: [CONTEXT, CONTEXT] }).transpose(0, 2, 1);
    // what is not linear in a code's vector, a mean for each code
    const own = p
      .at("residual")
      .tensor("weight", [codebookSize, SUBFRAMES * DECODER_MELS])
      .gather(codes);
    return { subframes: linear.add(own) };
  });
  return { graph, codebookSize, store };
}

export async function loadRidgeDecoder(files: ModelFiles, directory: string, runtime: Runtime): Promise<DecoderSystem> {
  const { graph, codebookSize, store } = await ridgeGraph(files, directory);
  return new RidgeDecoder(await compile(runtime, graph).finally(() => store.close()), codebookSize);
}

class RidgeDecoder implements DecoderSystem {
  readonly kind = "ridge regression + Griffin-Lim (interim)";
  readonly sampleRate = DECODER_SAMPLE_RATE;
  readonly frameRate = TOKEN_RATE;
  readonly codebookSize: number;
  readonly #program: Program;

  constructor(program: Program, codebookSize: number) {
    this.#program = program;
    this.codebookSize = codebookSize;
  }

  async decode(codes: ArrayLike<number>, options: DecodeOptions): Promise<Float32Array> {
    const parts: Float32Array[] = [];
    for await (const part of this.decodeStream(codes, { ...options, blockSize: BLOCK })) parts.push(part);
    const waveform = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) {
      waveform.set(p, at);
      at += p.length;
    }
    return waveform;
  }

  /** Blocks with a little context on both sides, cross-faded over one token at the joins. */
  async *decodeStream(
    source: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions,
  ): AsyncGenerator<Float32Array> {
    const { blockSize = TOKEN_RATE, embedding, onProgress, signal } = options;
    if (embedding) throw new TokenizerError("the interim decoder takes no speaker embedding");
    if ("prompt" in options && options.prompt) throw new TokenizerError("the interim decoder takes no prompt");
    if (!Number.isInteger(blockSize) || blockSize < 1)
      throw new TokenizerError(`block size ${blockSize}: expected a whole number from 1`);
    const total = "length" in source ? source.length : undefined;
    const fade = Math.round(DECODER_SAMPLE_RATE / TOKEN_RATE);
    let codes = new Int32Array(0);
    let first = 0; // index of codes[0] in the whole list
    let done = 0; // tokens given out
    let tail: Float32Array | undefined; // the end of the last block, to fade out
    const emit = async (until: number, last: boolean): Promise<Float32Array> => {
      signal?.throwIfAborted();
      const from = Math.max(first, done - OVERLAP);
      const to = last ? until : Math.min(first + codes.length, until + OVERLAP);
      const block = await this.#waveform(codes.subarray(from - first, to - first), options.seed);
      const start = sampleOf(done) - sampleOf(from);
      const end = last ? block.length : sampleOf(until) - sampleOf(from);
      const out = block.slice(start, end);
      if (tail) {
        for (let i = 0; i < Math.min(tail.length, out.length); i++) {
          const share = (i + 0.5) / tail.length;
          out[i] = share * (out[i] as number) + (1 - share) * (tail[i] as number);
        }
      }
      tail = last ? undefined : block.slice(end, end + fade);
      done = until;
      const keep = Math.max(first, done - OVERLAP);
      codes = codes.slice(keep - first);
      first = keep;
      if (total) onProgress?.(done / total);
      return out;
    };
    for await (const chunk of chunksOf(source)) {
      const checked = checkCodes(chunk, this.codebookSize);
      const joined = new Int32Array(codes.length + checked.length);
      joined.set(codes);
      joined.set(checked, codes.length);
      codes = joined;
      while (first + codes.length >= done + blockSize + OVERLAP) yield await emit(done + blockSize, false);
    }
    const end = first + codes.length;
    if (end === 0) throw new TokenizerError("no codes to decode: the list is empty");
    while (end - done > blockSize + OVERLAP) yield await emit(done + blockSize, false);
    if (end > done) yield await emit(end, true);
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }

  async #waveform(codes: Int32Array, seed: number | undefined): Promise<Float32Array> {
    const { subframes } = await this.#program.run({ codes: { data: codes, shape: [1, codes.length] } });
    const values = subframes?.data as Float32Array;
    const frames = melFrames(codes.length);
    const mel = new Float32Array(DECODER_MELS * frames);
    const lastSubframe = codes.length * SUBFRAMES - 1;
    for (let t = 0; t < frames; t++) {
      const s = Math.min(lastSubframe, Math.floor(((t + 0.5) / MEL_RATE) * TOKEN_RATE * SUBFRAMES));
      for (let b = 0; b < DECODER_MELS; b++) mel[b * frames + t] = values[s * DECODER_MELS + b] as number;
    }
    return griffinLim({ data: mel, mels: DECODER_MELS, frames }, { seed: seed ?? 42 });
  }
}

/** First sample of a token: where its first mel frame starts. */
const sampleOf = (token: number): number => melFrames(token) * DECODER_HOP_LENGTH;

async function* chunksOf(
  source: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
): AsyncGenerator<ArrayLike<number>> {
  if (Symbol.asyncIterator in source) yield* source;
  else yield source;
}
