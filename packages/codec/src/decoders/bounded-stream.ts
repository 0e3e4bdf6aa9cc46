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
import { ContinuousVoice, linearFade } from "./continuous-voice.ts";
import { joinTokens } from "./join.ts";
import { concatMel, crossFade, emptyMel, lastFrames, type Mel, sliceMel } from "./mel.ts";
import type { MelModel } from "./mel-model.ts";
import { FLOW_SHARE, type StreamedPiece, type StreamOptions, vocoderOptions } from "./prompted-stream.ts";
import type { Vocoder } from "./vocoder.ts";

/** @param window tokens of context; more than the overlap's. */
export async function* boundedStream(
  chunks: AsyncIterable<Chunk>,
  model: MelModel,
  vocoder: Vocoder,
  window: number,
  options: StreamOptions,
): AsyncGenerator<StreamedPiece> {
  const bins = model.bins;
  const overlap = overlapFrames(model.frameRate);
  const fade = linearFade(overlap);
  const random = new TorchGenerator(options.seed);
  const voice = new ContinuousVoice(vocoder, options.seed);
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
    const end = model.frames(chunk.start + chunk.tokens.length);
    const frames = model.frames(tokens.length);
    // windows end with their chunk; where they begin may be a fraction of a frame beside the token grid
    const prompt = Math.max(0, frames - (end - settled));
    const fresh = end - drawn;
    noise = concatMel(noise, { data: random.randn(bins * fresh), bins, frames: fresh });
    drawn = end;
    let mel = await model.mel({
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
    const { waveform, f0 } = await voice.say(piece, tail, vocoderOptions(options));

    settled += kept;
    context = tokens.slice(Math.max(0, tokens.length - window));
    const remembered = model.frames(window) + 2;
    recent = lastFrames(concatMel(recent, piece), remembered);
    noise = lastFrames(noise, remembered + overlap);
    yield { waveform, mel: piece, f0 };
  }
}
