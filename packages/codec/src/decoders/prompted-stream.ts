/**
 * Upstream's streaming: every chunk is decoded from the start with all earlier tokens and mels as its prompt, so the
 * cost of a chunk grows with what came before. bounded-stream.ts has the alternative.
 */
import { TorchGenerator } from "../random/torch-generator.ts";
import { overlapFrames } from "./alignment.ts";
import type { Chunk } from "./chunks.ts";
import { joinTokens } from "./join.ts";
import { concatMel, crossFade, emptyMel, type Mel, sliceMel } from "./mel.ts";
import type { MelModel } from "./mel-model.ts";
import type { Vocoder, VocoderOptions } from "./vocoder.ts";

export interface StreamOptions {
  readonly seed: number;
  readonly embedding?: Float32Array | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told the share of the chunk in work, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** What a chunk gives: its samples and, for those who look closer, the mel that was voiced and its pitch. */
export interface StreamedPiece {
  readonly waveform: Float32Array;
  readonly mel: Mel;
  /** Hz, one a frame. */
  readonly f0: Float32Array;
}

/** Mel frames (and their excitation) that the vocoder sees again at the start of the next chunk. */
const CACHED_FRAMES = 1;

/** Share of a chunk's time that the flow takes, for progress. */
export const FLOW_SHARE = 0.8;

/** The vocoder's part of a chunk's progress. */
export const vocoderOptions = ({
  onProgress,
  signal,
}: Pick<StreamOptions, "onProgress" | "signal">): VocoderOptions => ({
  signal,
  onProgress: (done, total) => onProgress?.(FLOW_SHARE + ((1 - FLOW_SHARE) * done) / total),
});

/** Halves of the symmetric Hamming window of twice the overlap. Their sum is 1.08, not 1, as upstream. */
function hammingHalves(overlap: number): { rising: Float64Array; falling: Float64Array } {
  const window = Float64Array.from(
    { length: 2 * overlap },
    (_, n) => 0.54 - 0.46 * Math.cos((2 * Math.PI * n) / (2 * overlap - 1)),
  );
  return { rising: window.slice(0, overlap), falling: window.slice(overlap) };
}

/** Draws phases and noise as upstream does, for f0 [frames] → excitation. */
export function drawExcitation(f0: Float32Array, vocoder: Vocoder, random: TorchGenerator): Float32Array {
  const phases = random.uniform(vocoder.harmonics, -Math.PI, Math.PI);
  // one draw a harmonic gives the values of one draw for all: blocks of 16 divide the samples of a frame
  return vocoder.excitation(f0, { phases, noise: () => random.randn(f0.length * vocoder.samplesPerFrame) });
}

export async function* promptedStream(
  chunks: AsyncIterable<Chunk>,
  model: MelModel,
  vocoder: Vocoder,
  options: StreamOptions,
): AsyncGenerator<StreamedPiece> {
  const overlap = overlapFrames(model.frameRate);
  const { rising, falling } = hammingHalves(overlap);
  const cachedSamples = CACHED_FRAMES * vocoder.samplesPerFrame;
  let tokens = new Int32Array(0);
  let voiced = emptyMel(model.bins);
  let tail: Mel | undefined;
  let cache: { mel: Mel; source: Float32Array } | undefined;

  for await (const chunk of chunks) {
    tokens = joinTokens(tokens, chunk.tokens);
    const random = new TorchGenerator(options.seed);
    let mel = await model.mel({
      tokens,
      embedding: options.embedding,
      promptMel: voiced,
      noise: (frames) => random.randn(model.bins * frames),
      signal: options.signal,
      onStep: (done, total) => options.onProgress?.((FLOW_SHARE * done) / total),
    });
    if (tail) mel = crossFade(mel, tail, rising, falling);
    if (cache) mel = concatMel(cache.mel, mel);
    if (!chunk.last) {
      tail = sliceMel(mel, mel.frames - overlap);
      mel = sliceMel(mel, 0, mel.frames - overlap);
    }
    const f0 = mel.f0 ?? (await vocoder.f0(mel));
    const source = drawExcitation(f0, vocoder, random);
    if (cache) source.set(cache.source);
    let waveform = await vocoder.waveform(mel, source, vocoderOptions(options));
    if (!chunk.last) {
      cache = { mel: sliceMel(mel, mel.frames - CACHED_FRAMES), source: source.slice(-cachedSamples) };
      waveform = waveform.slice(0, -cachedSamples);
    }
    voiced = concatMel(voiced, mel);
    yield { waveform, mel, f0 };
  }
}
