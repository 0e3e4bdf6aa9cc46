/**
 * Streaming in bounded time and memory: a chunk sees the last `window` tokens and the mel frames that belong to them,
 * however much came before. Upstream has nothing like it; what is done differently from its streaming, and why:
 *
 * - Noise belongs to frames, not to chunks: a frame that two chunks decode starts from the same values in both, so the
 *   cross-faded halves resemble each other.
 * - The cross-fade's weights add up to 1, both halves are the same frames, and no frame is said twice: N tokens give
 *   exactly the frames of a decode in one piece.
 * - The excitation runs on through the joins, its phase included.
 * - The vocoder sees as many frames before and after a chunk as a sample can depend on (those after it are the overlap,
 *   still to be revised), and the first frame of a chunk is blended with what the chunk before made of it.
 */
import { TorchGenerator } from "../random/torch-generator.ts";
import { overlapFrames } from "./alignment.ts";
import type { Chunk } from "./chunks.ts";
import type { Flow } from "./flow.ts";
import { joinSamples, joinTokens } from "./join.ts";
import { concatMel, crossFade, emptyMel, type Mel, sliceMel } from "./mel.ts";
import { FLOW_SHARE, type StreamedPiece, type StreamOptions } from "./prompted-stream.ts";
import type { Vocoder } from "./vocoder.ts";

const lastFrames = (mel: Mel, frames: number): Mel => sliceMel(mel, Math.max(0, mel.frames - frames));

/** A cross-fade in equal steps, the weights adding up to 1. */
function linearFade(length: number): { rising: Float64Array; falling: Float64Array } {
  const rising = Float64Array.from({ length }, (_, i) => (i + 1) / (length + 1));
  return { rising, falling: rising.map((w) => 1 - w) };
}

/** @param window tokens of context; more than the overlap's. */
export async function* boundedStream(
  chunks: AsyncIterable<Chunk>,
  flow: Flow,
  vocoder: Vocoder,
  window: number,
  options: StreamOptions,
): AsyncGenerator<StreamedPiece> {
  const bins = flow.config.output_size;
  const overlap = overlapFrames(flow.config.input_frame_rate);
  const fade = linearFade(overlap);
  const random = new TorchGenerator(options.seed);
  const voice = new ContinuousVoice(vocoder, random);
  let context = new Int32Array(0);
  /** Frames whose mel is settled, counted from the very start, and the last of them. */
  let settled = 0;
  let recent = emptyMel(bins);
  /** Noise of the last frames, up to all that were drawn. */
  let noise = emptyMel(bins);
  let drawn = 0;
  let tail: Mel | undefined;

  for await (const chunk of chunks) {
    const tokens = joinTokens(context, chunk.tokens);
    const end = flow.frames(chunk.start + chunk.tokens.length);
    const frames = flow.frames(tokens.length);
    // windows end with their chunk; where they begin may be a fraction of a frame beside the token grid
    const prompt = Math.max(0, frames - (end - settled));
    const fresh = end - drawn;
    noise = concatMel(noise, { data: random.randn(bins * fresh), bins, frames: fresh });
    drawn = end;
    let mel = await flow.mel({
      tokens,
      embedding: options.embedding,
      promptMel: lastFrames(recent, prompt),
      noise: (n) => lastFrames(noise, n).data.slice(),
      signal: options.signal,
      onStep: (done, total) => options.onProgress?.((FLOW_SHARE * done) / total),
    });
    if (tail) mel = crossFade(mel, tail, fade.rising, fade.falling);
    const kept = chunk.last ? mel.frames : mel.frames - overlap;
    const piece = sliceMel(mel, 0, kept);
    tail = sliceMel(mel, kept);
    const { waveform, f0 } = await voice.say(piece, tail, options);

    settled += kept;
    context = tokens.slice(Math.max(0, tokens.length - window));
    const remembered = flow.frames(window) + 2;
    recent = lastFrames(concatMel(recent, piece), remembered);
    noise = lastFrames(noise, remembered + overlap);
    options.onProgress?.(1);
    yield { waveform, mel: piece, f0 };
  }
}

/** A vocoder that speaks piece after piece as if they were one. */
class ContinuousVoice {
  readonly #vocoder: Vocoder;
  readonly #random: TorchGenerator;
  readonly #phases: Float32Array;
  /** Running phases at the end of the last piece. */
  #cycles: Float64Array<ArrayBuffer>;
  /** Noise of samples past the last piece, already used once for the frames that followed it: one array a harmonic. */
  #noise: Float32Array[];
  /** The frames before the next piece, with their excitation. */
  #before: { mel: Mel; source: Float32Array } | undefined;
  /** What the last piece made of the frame after it. */
  #preview: Float32Array | undefined;

  constructor(vocoder: Vocoder, random: TorchGenerator) {
    this.#vocoder = vocoder;
    this.#random = random;
    this.#phases = random.uniform(vocoder.harmonics, -Math.PI, Math.PI);
    this.#cycles = new Float64Array(vocoder.harmonics);
    this.#noise = Array.from({ length: vocoder.harmonics }, () => new Float32Array(0));
  }

  /** The waveform of `mel`, with `after` as a preview of what follows it. */
  async say(mel: Mel, after: Mel, options: StreamOptions): Promise<{ waveform: Float32Array; f0: Float32Array }> {
    const vocoder = this.#vocoder;
    const step = vocoder.samplesPerFrame;
    const before = this.#before ?? { mel: emptyMel(mel.bins), source: new Float32Array(0) };
    const seen = concatMel(before.mel, mel, sliceMel(after, 0, Math.min(after.frames, vocoder.reach)));
    const first = before.mel.frames;
    const f0 = (await vocoder.f0(seen)).subarray(first);

    this.#drawNoise(f0.length * step);
    const draw = (from: number) => ({
      phases: this.#phases,
      noise: (h: number) => (this.#noise[h] as Float32Array).subarray(from),
    });
    const source = vocoder.excitation(f0.subarray(0, mel.frames), draw(0), this.#cycles);
    const ahead = vocoder.excitation(f0.subarray(mel.frames), draw(mel.frames * step), this.#cycles.slice());
    this.#noise = this.#noise.map((n) => n.slice(mel.frames * step));
    // whole turns do not matter, and would cost precision over hours
    this.#cycles = this.#cycles.map((c) => c - Math.floor(c));

    const excitation = joinSamples(before.source, source, ahead);
    const samples = await vocoder.waveform(seen, excitation, options);
    const waveform = samples.slice(first * step, (first + mel.frames) * step);
    if (this.#preview) blend(waveform, this.#preview);

    this.#preview =
      after.frames > 0 ? samples.slice((first + mel.frames) * step, (first + mel.frames + 1) * step) : undefined;
    const kept = Math.min(vocoder.reach, before.mel.frames + mel.frames);
    this.#before = {
      mel: lastFrames(concatMel(before.mel, mel), kept),
      source: excitation.slice((first + mel.frames - kept) * step, (first + mel.frames) * step),
    };
    return { waveform, f0: f0.slice(0, mel.frames) };
  }

  /** Makes noise reach `samples` past the last piece. */
  #drawNoise(samples: number): void {
    this.#noise = this.#noise.map((known) => {
      if (known.length >= samples) return known;
      const longer = new Float32Array(samples);
      longer.set(known);
      longer.set(this.#random.randn(samples - known.length), known.length);
      return longer;
    });
  }
}

/** Fades from `before` into the start of `samples`, in place. */
function blend(samples: Float32Array, before: Float32Array): void {
  const length = Math.min(samples.length, before.length);
  const { rising, falling } = linearFade(length);
  for (let i = 0; i < length; i++)
    samples[i] = (samples[i] as number) * (rising[i] as number) + (before[i] as number) * (falling[i] as number);
}
