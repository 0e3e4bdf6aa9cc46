/**
 * Decoders of two stages: codes → mel spectrogram by a flow or an acoustic model → waveform by HiFT.
 *
 * All random values of a call come from torch's CPU generator started at `seed`, in upstream's order: the flow's noise,
 * the phases of the harmonics, the excitation's noise.
 */
import { TokenizerError } from "../errors.ts";
import { TorchGenerator } from "../random/torch-generator.ts";
import { OVERLAP_TOKENS } from "./alignment.ts";
import { boundedStream } from "./bounded-stream.ts";
import { chunks } from "./chunks.ts";
import type { DecodeOptions, DecoderSystem, DecodeStreamOptions } from "./decoder-system.ts";
import { joinSamples, joinTokens } from "./join.ts";
import type { Mel } from "./mel.ts";
import type { MelModel } from "./mel-model.ts";
import { drawExcitation, FLOW_SHARE, promptedStream, type StreamedPiece, vocoderOptions } from "./prompted-stream.ts";
import type { Vocoder } from "./vocoder.ts";

const DEFAULT_SEED = 42;

/** What a decode gives beside the waveform. */
export interface Synthesis {
  /** 256 samples a frame. */
  readonly waveform: Float32Array;
  readonly mel: Mel;
  /** Fundamental frequency in Hz, one a frame. */
  readonly f0: Float32Array;
}

export class SpectrogramDecoder implements DecoderSystem {
  readonly kind: string;
  /** Hz */
  readonly sampleRate: number;
  /** Codes a second. */
  readonly frameRate: number;
  readonly codebookSize: number;
  readonly melModel: MelModel;
  readonly vocoder: Vocoder;

  constructor(sampleRate: number, melModel: MelModel, vocoder: Vocoder) {
    this.kind = melModel.kind;
    this.sampleRate = sampleRate;
    this.frameRate = melModel.frameRate;
    this.codebookSize = melModel.codebookSize;
    this.melModel = melModel;
    this.vocoder = vocoder;
  }

  /**
   * The waveform of all codes; in one piece as upstream, or with `window` in blocks of bounded cost.
   * @throws TokenizerError for codes, embeddings or prompts that do not fit the model; AbortError when told to stop.
   */
  async decode(codes: ArrayLike<number>, options: DecodeOptions = {}): Promise<Float32Array> {
    const { window, prompt, onProgress } = options;
    if (window === undefined) return (await this.synthesize(codes, options)).waveform;
    if (prompt)
      throw new TokenizerError("a prompt and a window exclude each other: the window is the prompt of what follows it");
    const blockSize = Math.max(2 * window, this.#defaultBlock());
    const parts: Float32Array[] = [];
    const blocks = Math.ceil(codes.length / blockSize);
    const stream = this.decodeStream(codes, {
      ...options,
      blockSize,
      onProgress: (share) => onProgress?.((parts.length + share) / blocks),
    });
    for await (const part of stream) parts.push(part);
    return joinSamples(...parts);
  }

  /** As {@link decode} in one piece, with the mel and the pitch on the way. */
  async synthesize(codes: ArrayLike<number>, options: DecodeOptions = {}): Promise<Synthesis> {
    const { prompt, embedding, onProgress, signal } = options;
    const random = this.#generator(options.seed);
    this.#checkEmbedding(embedding);
    const given = this.#checkCodes(codes, 0);
    if (given.length === 0) throw new TokenizerError("there are no codes to decode");
    const tokens = prompt ? joinTokens(this.#checkCodes(prompt.tokens, 0), given) : given;
    const mel = await this.melModel.mel({
      tokens,
      embedding,
      promptMel: prompt && this.#checkMel(prompt.mel),
      noise: (frames) => random.randn(this.melModel.bins * frames),
      onStep: (done, total) => onProgress?.((FLOW_SHARE * done) / total),
      signal,
    });
    if (mel.frames === 0)
      throw new TokenizerError(
        `${given.length} codes give no mel frames${prompt ? " beyond those of the prompt" : ""}`,
      );
    const f0 = mel.f0 ?? (await this.vocoder.f0(mel));
    const source = drawExcitation(f0, this.vocoder, random);
    const waveform = await this.vocoder.waveform(mel, source, vocoderOptions({ onProgress, signal }));
    return { waveform, mel, f0 };
  }

  /**
   * The waveform in pieces, one a block of codes. A flow without `window` streams exactly as upstream, whose cost per piece
   * grows with all that came before; with it, the cost stays the same (see bounded-stream.ts), as an acoustic model's does.
   * @throws TokenizerError also for a block or window no longer than the overlap of 5 codes, and for an empty list.
   */
  async *decodeStream(
    codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions = {},
  ): AsyncGenerator<Float32Array> {
    for await (const { waveform } of this.synthesizeStream(codes, options)) yield waveform;
  }

  /** As {@link decodeStream}, with each piece's mel and pitch. */
  async *synthesizeStream(
    codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions = {},
  ): AsyncGenerator<StreamedPiece> {
    const { seed = DEFAULT_SEED, embedding, signal, onProgress, blockSize = this.#defaultBlock() } = options;
    const window = options.window ?? this.melModel.streamWindow;
    this.#generator(seed);
    this.#checkEmbedding(embedding);
    checkSpan("block size", blockSize);
    if (window !== undefined) checkSpan("window", window);
    const blocks = chunks(codes, blockSize, (piece, start) => this.#checkCodes(piece, start));
    const given = { seed, embedding, signal, onProgress };
    let empty = true;
    const pieces =
      window === undefined
        ? promptedStream(blocks, this.melModel, this.vocoder, given)
        : boundedStream(blocks, this.melModel, this.vocoder, window, given);
    for await (const piece of pieces) {
      empty = false;
      yield piece;
    }
    if (empty) throw new TokenizerError("there are no codes to decode");
  }

  async dispose(): Promise<void> {
    await this.melModel.dispose();
    await this.vocoder.dispose();
  }

  #defaultBlock(): number {
    return this.melModel.blockSize ?? Math.max(OVERLAP_TOKENS + 1, Math.round(this.frameRate));
  }

  #generator(seed = DEFAULT_SEED): TorchGenerator {
    if (!Number.isSafeInteger(seed)) throw new TokenizerError(`seed ${seed}: expected a whole number`);
    return new TorchGenerator(seed);
  }

  #checkCodes(codes: ArrayLike<number>, start: number): Int32Array {
    for (let i = 0; i < codes.length; i++) {
      const id = codes[i] as number;
      if (!Number.isInteger(id)) throw new TokenizerError(`code ${start + i} is ${id}: expected a whole number`);
      if (id >= this.codebookSize)
        throw new TokenizerError(
          `code ${start + i} is ${id}: this decoder knows codes below ${this.codebookSize}; was another tokeniser used?`,
        );
    }
    return Int32Array.from(codes, (id) => Math.max(0, id));
  }

  #checkEmbedding(embedding: Float32Array | undefined): void {
    const expected = this.melModel.speakerSize;
    if (embedding && expected === 0)
      throw new TokenizerError("this decoder takes no speaker embedding: the codes tell the voice");
    if (embedding && embedding.length !== expected)
      throw new TokenizerError(`the speaker embedding has ${embedding.length} values, expected ${expected}`);
    if (embedding?.some((v) => !Number.isFinite(v)))
      throw new TokenizerError("the speaker embedding holds values that are not finite numbers");
  }

  #checkMel(mel: { readonly data: Float32Array; readonly frames: number }): Mel {
    const bins = this.melModel.bins;
    if (mel.data.length !== bins * mel.frames)
      throw new TokenizerError(
        `the prompt's mel has ${mel.data.length} values for ${mel.frames} frames, expected ${bins} a frame`,
      );
    if (mel.data.some((v) => !Number.isFinite(v)))
      throw new TokenizerError("the prompt's mel holds values that are not finite numbers");
    return { ...mel, bins };
  }
}

function checkSpan(name: string, value: number): void {
  if (!Number.isInteger(value) || value <= OVERLAP_TOKENS)
    throw new TokenizerError(`${name} ${value}: expected a whole number of codes above ${OVERLAP_TOKENS}, the overlap`);
}
