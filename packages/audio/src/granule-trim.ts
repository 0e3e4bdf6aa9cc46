/**
 * Ogg counts samples at the end of pages ("granule positions"), and those counts say which decoded samples to keep:
 * a last count below the number decoded cuts padding off the end, a first one below it cuts the beginning
 * (Vorbis I specification, appendix A.2; RFC 7845 section 4 for Opus, whose pre-skip comes on top).
 */

/** Decoded samples of one packet, with the granule position where its page gives one. */
export interface GranuleBlock {
  channels: Float32Array[];
  granule?: number;
  last: boolean;
}

/** Passes on the samples that belong to the stream; holds at most the packets of one page. */
export async function* trimToGranules(
  blocks: AsyncIterable<GranuleBlock>,
  preSkip = 0,
): AsyncGenerator<Float32Array[]> {
  let pending: Float32Array[][] = [];
  let pendingStart = 0;
  let decoded = 0;
  let offset: number | undefined;
  for await (const block of blocks) {
    pending.push(block.channels);
    decoded += block.channels[0]?.length ?? 0;
    if (block.granule === undefined || block.granule < 0) continue;
    // A stream of a single page is cut at its end, not at its beginning.
    offset ??= block.last ? Math.max(0, block.granule - decoded) : block.granule - decoded;
    const start = preSkip + Math.max(0, -offset);
    const end = block.last ? Math.min(decoded, block.granule - offset) : decoded;
    for (const channels of pending) {
      const length = channels[0]?.length ?? 0;
      const from = Math.min(length, Math.max(0, start - pendingStart));
      const to = Math.min(length, Math.max(from, end - pendingStart));
      if (to > from) yield channels.map((channel) => channel.subarray(from, to));
      pendingStart += length;
    }
    pending = [];
  }
}
