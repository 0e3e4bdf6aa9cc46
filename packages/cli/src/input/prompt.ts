/** A prompt for decoding: the codes and the mel of a clip whose voice and manner the output continues. */
import { DECODER_HOP_LENGTH, DECODER_MELS, DECODER_SAMPLE_RATE, decoderMel, loadSpeechSamples } from "@uat/audio";
import { type AudioDecoder, AudioTokenizer, type Prompt } from "universal-audio-tokenizer";
import { InputError } from "../errors.ts";
import type { ModelOptions } from "../options.ts";
import { readMel } from "./arrays.ts";
import { withAudioSource } from "./open-source.ts";
import { checkCodes, readTokens } from "./token-files.ts";

/** Mel frames that `tokens` codes stand for. */
const framesOf = (tokens: number, frameRate: number): number =>
  Math.floor(((tokens / frameRate) * DECODER_SAMPLE_RATE) / DECODER_HOP_LENGTH);

/** The prompt of an audio file: its codes by the model's own tokenizer, and its mel. */
export async function promptOfClip(path: string, model: string, options: ModelOptions): Promise<Prompt> {
  const tokenizer = await AudioTokenizer.fromPretrained(model, options);
  try {
    const { clips } = await tokenizer.encode(path);
    const { codes, frameRate } = clips[0]!;
    const { samples } = await withAudioSource(path, (source) =>
      loadSpeechSamples(source, { sampleRate: DECODER_SAMPLE_RATE, name: path }),
    );
    const { data, frames } = decoderMel(samples);
    // the last code may reach past the end of the clip, never the mel past the codes
    const kept = Math.min(frames, framesOf(codes.length, frameRate));
    if (kept === 0) throw new InputError(`${path}: is too short for a prompt; give a clip of a second or more`);
    return { tokens: codes, mel: { data: cutMel(data, frames, kept), frames: kept } };
  } finally {
    await tokenizer.dispose();
  }
}

/** The prompt of two files that hold codes and mel. */
export async function promptOfFiles(tokens: string, mel: string, decoder: AudioDecoder): Promise<Prompt> {
  const rows = await readTokens(tokens);
  if (rows.length !== 1) throw new InputError(`${tokens}: holds ${rows.length} lists of codes; a prompt is one`);
  const codes = checkCodes(rows[0]!, decoder.codebookSize, decoder.frameRate);
  return { tokens: codes, mel: await readMel(mel, DECODER_MELS) };
}

/** The first `kept` frames of a row-major mel. */
function cutMel(data: Float32Array, frames: number, kept: number): Float32Array {
  if (kept === frames) return data;
  const out = new Float32Array(DECODER_MELS * kept);
  for (let b = 0; b < DECODER_MELS; b++) out.set(data.subarray(b * frames, b * frames + kept), b * kept);
  return out;
}
