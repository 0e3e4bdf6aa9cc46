/**
 * Cuts a clip into pieces of at most 30 s, the most a Whisper encoder hears at once.
 *
 * Every piece is zero-padded to the clip's longest piece, rounded up to whole tokens: a single piece to its own length,
 * else all to 30 s. Tokens near the end depend on this padding, so it is part of the format.
 */
import { paddedLength, padWithZeros } from "@uat/audio";

/** Samples of 30 s at 16 kHz. */
export const PIECE_SAMPLES = 480_000;

export interface Piece {
  /** Padded, 16 kHz. */
  readonly samples: Float32Array;
  /** Samples before padding. */
  readonly valid: number;
}

/**
 * Pieces in order, each as soon as it can be told whether it is the only one.
 * @param blocks 16 kHz samples in arrays of any lengths.
 * @param stride samples of one token.
 */
export async function* pieces(blocks: AsyncIterable<Float32Array>, stride: number): AsyncGenerator<Piece> {
  const full = paddedLength(PIECE_SAMPLES, stride);
  let buffer = new Float32Array(16_000);
  let length = 0;
  let several = false;
  for await (const block of blocks) {
    for (let at = 0; at < block.length; ) {
      if (length === PIECE_SAMPLES) {
        several = true;
        yield { samples: padWithZeros(buffer.subarray(0, length), full), valid: length };
        length = 0;
        buffer = new Float32Array(PIECE_SAMPLES);
      }
      const taken = Math.min(block.length - at, PIECE_SAMPLES - length);
      if (length + taken > buffer.length) {
        const grown = new Float32Array(Math.min(PIECE_SAMPLES, Math.max(2 * buffer.length, length + taken)));
        grown.set(buffer.subarray(0, length));
        buffer = grown;
      }
      buffer.set(block.subarray(at, at + taken), length);
      length += taken;
      at += taken;
    }
  }
  if (length === 0) return;
  const target = several ? full : paddedLength(length, stride);
  yield { samples: padWithZeros(buffer.subarray(0, length), target), valid: length };
}
