/** What computes: a tokeniser and a decoder behind one interface, in this thread or in another. */
import type { AudioFormat, Channel, WavEncoding } from "@uat/audio";
import type { CodesChunk, Device } from "universal-audio-tokenizer";

/** What an engine loads. Plain data: it is sent to threads. */
export interface EngineOptions {
  /** `base`, a directory or a hub id. */
  readonly model: string;
  readonly revision?: string | undefined;
  /** Audio to codes; true by default. */
  readonly tokens?: boolean | undefined;
  /** Codes to audio; true by default. */
  readonly decode?: boolean | undefined;
  readonly dtype?: "fp32" | "q8" | undefined;
  readonly device?: Device | undefined;
  /** Threads of the networks. */
  readonly threads?: number | undefined;
}

/** What is loaded. */
export interface ModelInfo {
  /** As clients name it. */
  readonly id: string;
  readonly codebookSize: number;
  /** Codes a second. */
  readonly frameRate: number;
  /** Absent where the server does not tokenise. */
  readonly tokenizer?: { readonly runtime: string; readonly liveIsExact: boolean } | undefined;
  /** Absent where the server does not decode. */
  readonly decoder?: { readonly runtime: string; readonly kind: string; readonly sampleRate: number } | undefined;
}

/** When to stop. */
export interface Control {
  /** Milliseconds since 1970 after which nobody waits for the result. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
}

/** One clip to tokenise. */
export interface TokensJob {
  /** A whole audio file. */
  readonly audio: Uint8Array;
  /** For messages. */
  readonly name: string;
  readonly channel: Channel;
  readonly maxSeconds: number;
  readonly maxChannels: number;
}

export interface TokensResult {
  readonly codes: Int32Array;
  /** Seconds of audio. */
  readonly duration: number;
  /** Frames that rounding may decide. */
  readonly ties: number;
}

/** How audio is sent. */
export interface FileOptions {
  readonly format: AudioFormat;
  /** Of wav; absent otherwise. */
  readonly encoding?: WavEncoding | undefined;
}

/** One list of codes to decode. */
export interface DecodeJob extends FileOptions {
  readonly codes: Int32Array;
  readonly seed?: number | undefined;
  readonly window?: number | undefined;
}

export interface DecodeResult {
  /** A whole audio file. */
  readonly file: Uint8Array;
  readonly duration: number;
}

/** How audio that is still coming in is tokenised. */
export interface LiveTokensOptions {
  /** Hz of the samples. */
  readonly sampleRate: number;
  /** Seconds of audio the stream may have. */
  readonly maxSeconds: number;
  /** Seconds of codes a chunk. */
  readonly chunk?: number | undefined;
  /** Seconds heard after a chunk before its codes are given out. */
  readonly lookAhead?: number | undefined;
  /** Seconds before a chunk that are tokenised with it. */
  readonly context?: number | undefined;
}

/** How codes are decoded while they come in. */
export interface LiveAudioOptions {
  readonly seed?: number | undefined;
  readonly blockSize?: number | undefined;
  readonly window?: number | undefined;
}

/** A file that is made while its audio is. */
export interface FilePiece {
  readonly bytes: Uint8Array;
  /** Samples decoded since the last piece; the bytes may hold fewer, which come with a later piece. */
  readonly samples: number;
}

export interface Engine {
  readonly info: ModelInfo;
  /** @throws RequestError for audio that cannot be read or passes a limit, and past the deadline. */
  tokens(job: TokensJob, control: Control): Promise<TokensResult>;
  /** @throws RequestError for codes or options that do not fit the model, and past the deadline. */
  decode(job: DecodeJob, control: Control): Promise<DecodeResult>;
  /** Codes of mono samples as they come. */
  liveTokens(
    samples: AsyncIterable<Float32Array>,
    options: LiveTokensOptions,
    signal: AbortSignal,
  ): AsyncGenerator<CodesChunk>;
  /** Mono samples of codes as they come. */
  liveAudio(
    codes: AsyncIterable<Int32Array>,
    options: LiveAudioOptions,
    signal: AbortSignal,
  ): AsyncGenerator<Float32Array>;
  /** The same as a file, whose header tells no length. @throws RequestError as {@link decode}. */
  liveFile(
    codes: AsyncIterable<Int32Array>,
    options: LiveAudioOptions & FileOptions,
    signal: AbortSignal,
  ): AsyncGenerator<FilePiece>;
  /** Frees it, at once and whatever is under way. Open calls fail. */
  close(): Promise<void>;
  /** Settles when the engine has ended by itself and must be replaced. */
  readonly lost?: Promise<unknown>;
}
