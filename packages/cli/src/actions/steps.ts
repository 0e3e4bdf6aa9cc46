/** Steps that several commands take: a file to codes, codes to a waveform. */
import type { Channel, WavEncoding } from "@uat/audio";
import type { AudioDecoder, AudioTokenizer, DecodeOptions, DecodeStreamOptions } from "universal-audio-tokenizer";
import { InputError } from "../errors.ts";
import type { NamedAudio } from "../input/audio-files.ts";
import { audioOutput, formatOf } from "../output/audio-output.ts";
import type { NamedCodes } from "../output/codes-format.ts";
import type { OutputFile } from "../output/outputs.ts";
import type { Reporter } from "../output/reporter.ts";

/** The codes of one file. @throws InputError for a file without samples; the library's errors name the file too. */
export async function tokenizeFile(
  tokenizer: AudioTokenizer,
  file: NamedAudio,
  { channel, label, reporter }: { channel: Channel; label: string; reporter: Reporter },
): Promise<NamedCodes> {
  const started = Date.now();
  const { clips } = await tokenizer.encode(file.audio, {
    channel,
    onProgress: ({ seconds, duration }) =>
      reporter.progress(
        label,
        duration ? seconds / duration : undefined,
        `${seconds.toFixed(0)} s${duration ? ` of ${duration.toFixed(0)} s` : ""}`,
      ),
  });
  const clip = clips[0]!;
  if (clip.codes.length === 0) throw new InputError(`${file.path}: has no samples; expected audio that is not empty`);
  if (clip.ties > 0)
    reporter.warn(`${file.path}: in ${clip.ties} of ${clip.codes.length} frames the two nearest codes tie`);
  reporter.note(
    `${label}: ${clip.duration.toFixed(2)} s, ${clip.codes.length} codes in ${((Date.now() - started) / 1000).toFixed(2)} s`,
  );
  return { path: file.path, clip };
}

export interface DecodeRequest {
  readonly codes: Int32Array;
  readonly out: OutputFile;
  readonly encoding: WavEncoding;
  /** Write while decoding; needs options without a prompt. */
  readonly stream: boolean;
  readonly options: DecodeOptions & DecodeStreamOptions;
  /** Sees the samples on their way to the file. */
  readonly onSamples?: ((samples: Float32Array) => void) | undefined;
}

/** Decodes codes into an audio file of the format its name asks for. @returns seconds written. */
export async function decodeInto(
  decoder: AudioDecoder,
  { codes, out, encoding, stream, options, onSamples }: DecodeRequest,
): Promise<number> {
  let samples = 0;
  if (stream) {
    const writer = await audioOutput(out, decoder.sampleRate, encoding);
    for await (const piece of decoder.decodeStream(codes, options)) {
      await writer.write([piece]);
      onSamples?.(piece);
      samples += piece.length;
    }
    await writer.close();
  } else {
    const { encodeAudio } = await import("@uat/audio/node");
    const { waveform, sampleRate } = await decoder.decode(codes, options);
    await out.write(await encodeAudio(formatOf(out.path), [waveform], sampleRate, encoding));
    onSamples?.(waveform);
    samples = waveform.length;
  }
  return samples / decoder.sampleRate;
}
