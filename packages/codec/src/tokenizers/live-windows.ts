/**
 * Which samples are tokenised when audio is still coming in: windows over the current 30 s piece, each giving out the
 * next few codes.
 *
 * A window ends some look-ahead after its last code and begins some context before its first, never before the piece,
 * which offline codes do not see past either. The last window of a piece is padded as that piece is offline.
 */
import { paddedLength, padWithZeros } from "@uat/audio";
import { PIECE_SAMPLES, type Piece } from "./segments.ts";

export interface LiveWindowOptions {
  /** Samples of one token. */
  readonly stride: number;
  /** Codes of a chunk. */
  readonly chunk: number;
  /** Codes before a chunk that are tokenised with it. */
  readonly context: number;
  /** Samples, counted from the piece's start, after which the codes up to `end` no longer change. */
  readonly heardFor: (end: number) => number;
}

export interface LiveWindow extends Piece {
  /** Codes at the window's start that have been given out already. */
  readonly skip: number;
  /** Codes to give out. */
  readonly take: number;
  /** Samples of audio behind these codes. */
  readonly duration: number;
}

/** @param blocks 16 kHz samples in arrays of any lengths. */
export async function* liveWindows(
  blocks: AsyncIterable<Float32Array>,
  { stride, chunk, context, heardFor }: LiveWindowOptions,
): AsyncGenerator<LiveWindow> {
  const piece = new Float32Array(PIECE_SAMPLES);
  const full = paddedLength(PIECE_SAMPLES, stride);
  let heard = 0;
  let given = 0;
  let several = false;

  const window = (end: number, until: number, padded: number): LiveWindow => {
    const first = Math.max(0, given - context);
    const samples = piece.slice(first * stride, until);
    const skip = given - first;
    const duration = Math.min(end * stride, until) - given * stride;
    const take = end - given;
    given = end;
    return { samples: padWithZeros(samples, padded - first * stride), valid: samples.length, skip, take, duration };
  };
  /** What is settled by now. */
  function* settled(): Generator<LiveWindow> {
    for (;;) {
      const end = given + chunk;
      // causal convolutions settle codes a moment before their own audio ends
      const needed = Math.max(end * stride, heardFor(end));
      if (heard < needed || needed > PIECE_SAMPLES) return;
      yield window(end, needed, paddedLength(needed, stride));
    }
  }
  /** All that is left of a piece that has ended. */
  function* rest(): Generator<LiveWindow> {
    const tokens = Math.ceil(heard / stride);
    while (given < tokens)
      yield window(Math.min(tokens, given + chunk), heard, several ? full : paddedLength(heard, stride));
  }

  for await (const block of blocks) {
    for (let at = 0; at < block.length; ) {
      if (heard === PIECE_SAMPLES) {
        several = true;
        yield* rest();
        heard = 0;
        given = 0;
      }
      const taken = Math.min(block.length - at, PIECE_SAMPLES - heard);
      piece.set(block.subarray(at, at + taken), heard);
      heard += taken;
      at += taken;
      yield* settled();
    }
  }
  yield* rest();
}
