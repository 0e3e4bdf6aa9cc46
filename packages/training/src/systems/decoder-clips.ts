/** Whole clips of 22,050 Hz sound as batches: what flows and vocoders cut their crops from. */
import { DECODER_SAMPLE_RATE } from "@uat/audio";
import type { NumericArray } from "@uat/graph";
import type { BatchItem } from "../data/collate.ts";
import type { Batch } from "../data/loader.ts";
import type { PreparationSettings } from "../data/prepare.ts";
import type { BatchRecipe } from "../loop/system.ts";

/** Clips as they are. @param augment random changes; none by default. */
export const clipRecipe = (
  maxSeconds: number,
  augment?: PreparationSettings["augment"],
): BatchRecipe & { readonly prepare: PreparationSettings } => ({
  prepare: { name: "samples", sampleRate: DECODER_SAMPLE_RATE, maxSeconds, ...(augment && { augment }) },
  collate: collateClips,
});

/** `samples` [all samples], one clip after the other, and `lengths` int32 [batch]. */
function collateClips(items: readonly BatchItem[]): Record<string, NumericArray> {
  const clips = items.map(({ tensors }) => tensors.samples?.data as Float32Array);
  const lengths = Int32Array.from(clips, (clip) => clip.length);
  const samples = new Float32Array(lengths.reduce((a, b) => a + b, 0));
  let at = 0;
  for (const clip of clips) {
    samples.set(clip, at);
    at += clip.length;
  }
  return { samples: { data: samples, shape: [samples.length] }, lengths: { data: lengths, shape: [lengths.length] } };
}

/** The clips of a batch made by {@link clipRecipe}. */
export function clipsOf({ tensors }: Batch): Float32Array[] {
  const samples = tensors.samples?.data as Float32Array;
  let at = 0;
  return Array.from(tensors.lengths?.data as Int32Array, (length) => samples.subarray(at, (at += length)));
}
