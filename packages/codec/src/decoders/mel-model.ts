/** What decoders of two stages ask of their first one, which makes mel spectrograms of codes. */
import type { Mel } from "./mel.ts";

export interface MelInput {
  /** The prompt's tokens, then those to decode. Negative ones count as 0, as upstream. */
  readonly tokens: Int32Array;
  /** x-vector of the speaker; zeros when absent. */
  readonly embedding?: Float32Array | undefined;
  /** Mel that the first frames must continue; those frames are left out of the result. */
  readonly promptMel?: Mel | undefined;
  /** Standard normal values, mels × all frames, for a number of frames. */
  readonly noise: (frames: number) => Float32Array;
  /** Told after each step, `done` of `total`. */
  readonly onStep?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MelModel {
  /** What the stages are, for people. */
  readonly kind: string;
  /** Codes it knows. */
  readonly codebookSize: number;
  /** Codes a second. */
  readonly frameRate: number;
  /** Mel bins. */
  readonly bins: number;
  /** Values of a speaker embedding; 0 where it takes none. */
  readonly speakerSize: number;
  /** Codes that a stream is best cut into, where the network says so. */
  readonly blockSize: number | undefined;
  /** Codes of context that a stream keeps where nothing else is said; undefined for networks that are to see all. */
  readonly streamWindow: number | undefined;
  /** Frames of `tokens` tokens. */
  frames(tokens: number): number;
  /** @returns the mel of all tokens less the prompt's frames. @throws DOMException AbortError between two steps. */
  mel(input: MelInput): Promise<Mel>;
  dispose(): Promise<void>;
}
