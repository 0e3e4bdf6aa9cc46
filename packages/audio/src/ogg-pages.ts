/** Pages of one logical Ogg stream (RFC 3533, section 6). */
import { pageChecksum } from "./ogg-reader.ts";

/** Lacing values of one page. */
const MAX_SEGMENTS = 255;

/** Lacing values that a packet takes: every 255 bytes one, and one for the rest, which may be 0 bytes. */
export const segmentsOf = (bytes: number): number => Math.floor(bytes / 255) + 1;

export class OggPages {
  readonly #serial: number;
  #sequence = 0;

  constructor(serial: number) {
    this.#serial = serial;
  }

  /**
   * The next page, of whole packets; the first of a stream is marked so.
   * @param packets together at most 255 segments (see {@link segmentsOf}).
   * @param granule samples of the stream up to the end of the last packet.
   * @param last whether the stream ends with it.
   */
  page(packets: readonly Uint8Array[], granule: number, last = false): Uint8Array {
    const lacing = packets.flatMap(({ length }) => [
      ...new Array<number>(Math.floor(length / 255)).fill(255),
      length % 255,
    ]);
    if (lacing.length > MAX_SEGMENTS) throw new RangeError(`${lacing.length} segments in a page; expected at most 255`);
    const out = new Uint8Array(27 + lacing.length + packets.reduce((n, p) => n + p.length, 0));
    const view = new DataView(out.buffer);
    // "OggS", version 0
    view.setUint32(0, 0x4f676753);
    out[5] = (this.#sequence === 0 ? 2 : 0) | (last ? 4 : 0);
    view.setBigInt64(6, BigInt(granule), true);
    view.setUint32(14, this.#serial, true);
    view.setUint32(18, this.#sequence++, true);
    out[26] = lacing.length;
    out.set(lacing, 27);
    let at = 27 + lacing.length;
    for (const packet of packets) {
      out.set(packet, at);
      at += packet.length;
    }
    view.setUint32(22, pageChecksum(out), true);
    return out;
  }
}
