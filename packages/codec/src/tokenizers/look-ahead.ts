/**
 * How far ahead a checkpoint hears. Where attention is causal, or causal from block to block, a code depends on a little
 * audio after its block only; elsewhere on all of its 30 s piece.
 */
import { WHISPER_HOP_LENGTH, WHISPER_N_FFT } from "@uat/audio";
import type { WhisperVqConfig } from "../models/whisper-vq.ts";

export interface LookAhead {
  /** Codes of a block, whose ends are the best places to wait for. */
  readonly block: number;
  /** Samples at 16 kHz on which the codes up to `end` depend, counted from the piece's start. */
  heardFor(end: number): number;
}

/** The look-ahead of a checkpoint; `undefined` where each code depends on all of its piece. */
export function lookAhead(config: WhisperVqConfig): LookAhead | undefined {
  const strict = config.encoder_causal_attention || config.quantize_causal_encoder;
  const frames = config.quantize_causal_block_size;
  if (!strict && frames === null) return undefined;
  const kernel = config.pooling_kernel_size ?? 1;
  const pools = config.pooling_kernel_size !== null;
  // layers before the pooling see blocks of 50 Hz frames, those after it blocks of tokens
  const before = strict ? 1 : Math.max(1, frames as number);
  const after = strict ? 1 : Math.max(1, Math.floor((frames as number) / kernel));
  const layersBefore = pools && config.pooling_position > 0;
  const layersAfter = !pools || config.pooling_position < config.quantize_position;
  const blockEnd = (n: number, size: number) => Math.ceil(n / size) * size;
  return {
    block: layersAfter ? after : Math.max(1, Math.floor(before / kernel)),
    heardFor(end) {
      const tokens = layersAfter ? blockEnd(end, after) : end;
      const positions = layersBefore ? blockEnd(tokens * kernel, before) : tokens * kernel;
      // two convolutions of three frames, the second of stride 2, then half a window of the transform
      const lastFrame = 2 * positions - (config.encoder_causal_convolution ? 2 : 0);
      return lastFrame * WHISPER_HOP_LENGTH + WHISPER_N_FFT / 2 + 1;
    },
  };
}
