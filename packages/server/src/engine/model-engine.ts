/** The library's own classes as an engine, in the thread that calls it. */
import { encodeAudio, openAudioWriter } from "@uat/audio/node";
import { AudioDecoder, AudioTokenizer, type CodesChunk } from "universal-audio-tokenizer";
import { RequestError } from "../errors.ts";
import type {
  Control,
  DecodeJob,
  DecodeResult,
  Engine,
  EngineOptions,
  FileOptions,
  FilePiece,
  LiveAudioOptions,
  LiveTokensOptions,
  ModelInfo,
  TokensJob,
  TokensResult,
} from "./engine.ts";
import { checkControl, limitedAudio, SPEECH_RATE } from "./limited-audio.ts";

export class ModelEngine implements Engine {
  readonly info: ModelInfo;
  readonly #tokenizer: AudioTokenizer | undefined;
  readonly #decoder: AudioDecoder | undefined;

  private constructor(info: ModelInfo, tokenizer: AudioTokenizer | undefined, decoder: AudioDecoder | undefined) {
    this.info = info;
    this.#tokenizer = tokenizer;
    this.#decoder = decoder;
  }

  /** @throws what the library throws for a model that cannot be loaded; RequestError never. */
  static async load(options: EngineOptions, onWarning?: (message: string) => void): Promise<ModelEngine> {
    const { model, revision, tokens = true, decode = true, dtype, device, threads } = options;
    const common = { revision, device, threads, onWarning };
    const tokenizer = tokens ? await AudioTokenizer.fromPretrained(model, { ...common, dtype }) : undefined;
    const decoder = decode ? await AudioDecoder.fromPretrained(model, common) : undefined;
    const part = (tokenizer ?? decoder) as AudioTokenizer | AudioDecoder;
    const info: ModelInfo = {
      // a directory's path is nobody's business
      id: model.split(/[\\/]/).filter(Boolean).at(-1) ?? model,
      codebookSize: part.codebookSize,
      frameRate: part.frameRate,
      ...(tokenizer && { tokenizer: { runtime: tokenizer.runtime, liveIsExact: tokenizer.liveIsExact } }),
      ...(decoder && { decoder: { runtime: decoder.runtime, kind: decoder.kind, sampleRate: decoder.sampleRate } }),
    };
    return new ModelEngine(info, tokenizer, decoder);
  }

  async tokens(job: TokensJob, control: Control): Promise<TokensResult> {
    const blocks = limitedAudio(job.audio, job.name, job.channel, job, control);
    const parts: Int32Array[] = [];
    let duration = 0;
    let ties = 0;
    const chunks = this.#needTokenizer().encodeStream({ stream: blocks, sampleRate: SPEECH_RATE });
    for await (const chunk of chunks) {
      parts.push(chunk.codes);
      duration += chunk.duration;
      ties += chunk.ties;
      checkControl(control);
    }
    return { codes: joined(parts), duration, ties };
  }

  async decode(job: DecodeJob, control: Control): Promise<DecodeResult> {
    const { codes, format, encoding, seed, window } = job;
    const decoder = this.#needDecoder();
    const { waveform, sampleRate } = await decoder.decode(codes, {
      seed,
      window,
      onProgress: () => checkControl(control),
      signal: control.signal,
    });
    const file = await encodeAudio(format, [waveform], sampleRate, encoding);
    return { file, duration: waveform.length / sampleRate };
  }

  async *liveTokens(
    samples: AsyncIterable<Float32Array>,
    { sampleRate, maxSeconds, chunk, lookAhead, context }: LiveTokensOptions,
    signal: AbortSignal,
  ): AsyncGenerator<CodesChunk> {
    const stream = limited(samples, maxSeconds * sampleRate, `${maxSeconds} s of audio`);
    yield* this.#needTokenizer().encodeLive({ stream, sampleRate }, { chunk, lookAhead, context, signal });
  }

  async *liveAudio(
    codes: AsyncIterable<Int32Array>,
    { seed, blockSize, window }: LiveAudioOptions,
    signal: AbortSignal,
  ): AsyncGenerator<Float32Array> {
    yield* this.#needDecoder().decodeStream(codes, { seed, blockSize, window, signal });
  }

  async *liveFile(
    codes: AsyncIterable<Int32Array>,
    { format, encoding, ...options }: LiveAudioOptions & FileOptions,
    signal: AbortSignal,
  ): AsyncGenerator<FilePiece> {
    const parts: Uint8Array[] = [];
    const taken = () => Buffer.concat(parts.splice(0));
    const { sampleRate } = this.#needDecoder();
    const writer = await openAudioWriter(format, { write: (bytes) => void parts.push(bytes) }, sampleRate, 1, encoding);
    try {
      for await (const piece of this.liveAudio(codes, options, signal)) {
        await writer.write([piece]);
        yield { bytes: taken(), samples: piece.length };
      }
      await writer.close();
      yield { bytes: taken(), samples: 0 };
    } finally {
      writer.abandon();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#tokenizer?.dispose(), this.#decoder?.dispose()]);
  }

  #needTokenizer(): AudioTokenizer {
    if (!this.#tokenizer) throw new RequestError("not_found", "this server does not tokenise; ask one that does");
    return this.#tokenizer;
  }

  #needDecoder(): AudioDecoder {
    if (!this.#decoder) throw new RequestError("not_found", "this server does not decode; ask one that does");
    return this.#decoder;
  }
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Passes blocks on until more than `most` values came. */
async function* limited<T extends ArrayLike<number>>(
  blocks: AsyncIterable<T>,
  most: number,
  what: string,
): AsyncGenerator<T> {
  let count = 0;
  for await (const block of blocks) {
    count += block.length;
    if (count > most) throw new RequestError("too_large", `more than ${what}, the most one stream may have`);
    yield block;
  }
}
