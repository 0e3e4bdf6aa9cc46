/** Codes of one clip and of a batch, with the time each code stands for. */

/** The codes of one clip. */
export interface ClipCodes {
  /** One code a frame, each in [0, codebookSize). */
  readonly codes: Int32Array;
  /** Codes a second. */
  readonly frameRate: number;
  /** Number of codes of the tokeniser. */
  readonly codebookSize: number;
  /** Seconds of audio. */
  readonly duration: number;
  /** Frames whose two nearest codes are equally near within 1e-4 relative: rounding may decide there. */
  readonly ties: number;
  /**
   * γ of each code, the mean over the gate's dimensions, in [0, 1]: how much of the shallow layer the gated residual of
   * UniAudio-Token (arXiv 2605.31521, section 3) lets through. Absent for checkpoints without such a gate.
   */
  readonly gate?: Float32Array;
}

/**
 * The time that a code stands for.
 * @param clip a clip's codes, or anything with a frame rate in codes a second.
 * @param index of the code, from 0.
 * @returns [start, end) in seconds of the audio.
 */
export function codeTime(clip: { frameRate: number }, index: number): [number, number] {
  return [index / clip.frameRate, (index + 1) / clip.frameRate];
}

/** The codes of a batch. */
export interface AudioCodes {
  /** [batch, 1, T] as neural codecs give it; clips shorter than the longest end with -1. */
  readonly audio_codes: {
    /** batch · T codes, clip after clip. */
    readonly data: Int32Array;
    /** [batch, 1, T], T being the length of the longest clip. */
    readonly dims: readonly [number, 1, number];
  };
  /** Each clip by itself, in input order. */
  readonly clips: readonly ClipCodes[];
  /** Codes a second. */
  readonly frameRate: number;
  /** Number of codes of the tokeniser; ids are below it. */
  readonly codebookSize: number;
}

export function stackCodes(clips: readonly ClipCodes[], frameRate: number, codebookSize: number): AudioCodes {
  const longest = clips.reduce((n, c) => Math.max(n, c.codes.length), 0);
  const data = new Int32Array(clips.length * longest).fill(-1);
  for (const [i, c] of clips.entries()) data.set(c.codes, i * longest);
  return { audio_codes: { data, dims: [clips.length, 1, longest] }, clips, frameRate, codebookSize };
}
