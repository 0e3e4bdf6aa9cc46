/** Clips that stand in a batch twice: as they are, and changed. What is to be said of both is what is true of the first. */
import type { NumericArray } from "@uat/graph";
import type { BatchItem } from "./collate.ts";

/** Each item followed by its changed copy, which keeps the original's features as `target_features`. */
export const withCopies = (items: readonly BatchItem[]): BatchItem[] =>
  items.flatMap((item) => {
    const { features, copy_features: changed } = item.tensors as Record<"features" | "copy_features", NumericArray>;
    const targets = { ...item.tensors, target_features: features };
    return [
      { ...item, tensors: targets },
      { ...item, tensors: { ...targets, features: changed } },
    ];
  });

/** Numbers of the rows made by {@link withCopies} of so many clips: int32 [clips] each. */
export function copyRows(clips: number): Record<"originals" | "copies", NumericArray> {
  const every = (first: number) => ({
    data: Int32Array.from({ length: clips }, (_, clip) => 2 * clip + first),
    shape: [clips],
  });
  return { originals: every(0), copies: every(1) };
}

/** The mask int32 [rows, frames] with nothing left of the copies. */
export function withoutCopies({ data, shape }: NumericArray): NumericArray {
  const [rows, frames] = shape as [number, number];
  const originals = Int32Array.from(data as Int32Array);
  for (let row = 1; row < rows; row += 2) originals.fill(0, row * frames, (row + 1) * frames);
  return { data: originals, shape };
}
