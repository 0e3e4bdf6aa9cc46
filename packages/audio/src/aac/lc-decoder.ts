/**
 * A decoder of AAC-LC (ISO/IEC 14496-3, subpart 4), written for platforms without one of their own. Band replication
 * and parametric stereo (HE-AAC) are passed over: such streams come out at the core's rate and channel count, which
 * leaves the lower half of their band.
 */
import { bandsAt } from "./bands.ts";
import { BitReader } from "./bit-reader.ts";
import { type ChannelData, readChannel, readWindows, type Windows } from "./channel-data.ts";
import { FilterBank } from "./filter-bank.ts";
import { dequantize, fillNoise, joinPair, NoiseSource, shapeNoise } from "./spectrum.ts";
import { readChannelLayout } from "./stream-config.ts";

const Element = { single: 0, pair: 1, coupling: 2, effects: 3, data: 4, layout: 5, fill: 6, end: 7 } as const;

/** Speakers in the order of wav files, as places in the stream, by number of channels; front centre comes first there. */
const ORDERS: Readonly<Record<number, readonly number[]>> = {
  3: [1, 2, 0],
  4: [1, 2, 0, 3],
  5: [1, 2, 0, 3, 4],
  6: [1, 2, 0, 5, 3, 4],
};

/** Decodes packets of one stream, in order. */
export class LcDecoder {
  readonly #tables: ReturnType<typeof bandsAt>;
  readonly #noise = new NoiseSource();
  readonly #banks: FilterBank[] = [];

  /** @param sampleRate of the core, in Hz. */
  constructor(sampleRate: number) {
    this.#tables = bandsAt(sampleRate);
  }

  /** 1024 samples a channel; those of the first packet are only half there. @throws Error when it is damaged. */
  decode(packet: Uint8Array): Float32Array[] {
    const bits = new BitReader(packet);
    const channels: Float32Array[] = [];
    for (let element = bits.read(3); element !== Element.end; element = bits.read(3)) {
      if (element === Element.single || element === Element.effects) {
        bits.skip(4);
        const data = readChannel(bits, this.#tables);
        const spectrum = dequantize(data);
        fillNoise(data, spectrum, this.#noise);
        channels.push(this.#finish(data, spectrum, channels.length));
      } else if (element === Element.pair) {
        bits.skip(4);
        channels.push(...this.#pair(bits, channels.length));
      } else if (element === Element.data) {
        skipData(bits);
      } else if (element === Element.layout) {
        readChannelLayout(bits);
      } else if (element === Element.fill) {
        const count = bits.read(4);
        bits.skip(8 * (count === 15 ? 14 + bits.read(8) : count));
      } else {
        throw new Error("AAC with coupled channels cannot be decoded");
      }
    }
    if (channels.length === 0) throw new Error("an AAC packet without sound");
    return ORDERS[channels.length]?.map((place) => channels[place]!) ?? channels;
  }

  #pair(bits: BitReader, place: number): Float32Array[] {
    const shared = bits.flag() ? readWindows(bits, this.#tables) : undefined;
    const mask = shared && readMask(bits, shared);
    const left = readChannel(bits, this.#tables, shared);
    const right = readChannel(bits, this.#tables, shared);
    const l = dequantize(left);
    const r = dequantize(right);
    fillNoise(left, l, this.#noise);
    fillNoise(right, r, this.#noise);
    if (mask) joinPair(left, right, mask, l, r);
    return [this.#finish(left, l, place), this.#finish(right, r, place + 1)];
  }

  #finish(data: ChannelData, spectrum: Float64Array, place: number): Float32Array {
    shapeNoise(data, spectrum);
    const bank = (this.#banks[place] ??= new FilterBank());
    return bank.run(spectrum, data.windows.sequence, data.windows.shape);
  }
}

/** Which bands of the pair are joined (ms_used). */
function readMask(bits: BitReader, { groups, bandCount }: Windows): Uint8Array {
  const kind = bits.read(2);
  if (kind === 3) throw new Error("a reserved value in an AAC packet");
  const used = new Uint8Array(groups.length * bandCount);
  if (kind === 1) for (let i = 0; i < used.length; i++) used[i] = bits.read(1);
  else if (kind === 2) used.fill(1);
  return used;
}

function skipData(bits: BitReader): void {
  bits.skip(4);
  const aligned = bits.flag();
  const count = bits.read(8);
  const length = count === 255 ? 255 + bits.read(8) : count;
  if (aligned) bits.align();
  bits.skip(length * 8);
}
