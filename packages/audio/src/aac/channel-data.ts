/** One channel of one packet as the stream holds it: windows, step sizes, coefficients (ISO/IEC 14496-3, 4.4.2). */
import type { Bands } from "./bands.ts";
import type { BitReader } from "./bit-reader.ts";
import { readScaleFactorStep, readSpectrum } from "./huffman.ts";

/** Samples that a packet adds to each channel. */
export const FRAME = 1024;
/** Coefficients of a short window; a packet holds eight. */
export const SHORT = 128;

/** How the packet's windows follow each other. */
export const WindowSequence = { long: 0, start: 1, short: 2, stop: 3 } as const;

/** What codebook numbers above 11 mean. */
export const Codebooks = { zero: 0, escape: 11, noise: 13, intensityInverse: 14, intensity: 15 } as const;

/** What both channels of a pair may share: the windows and their bands. */
export interface Windows {
  sequence: number;
  /** 0 for sine, 1 for Kaiser-Bessel. */
  shape: number;
  /** Number of bands in the stream; those above are silent. */
  bandCount: number;
  /** Windows in each group that shares its scale factors. */
  groups: readonly number[];
  bands: Bands;
}

/** A filter of temporal noise shaping. */
export interface ShapingFilter {
  /** Its first band and the one behind its last. */
  from: number;
  to: number;
  downwards: boolean;
  /** Reflection coefficients. */
  reflections: Float64Array;
}

/** What the stream says of one channel. Bands are numbered through: band + group × bandCount. */
export interface ChannelData {
  windows: Windows;
  codebooks: Uint8Array;
  /** Step size, noise energy or intensity position, by codebook. */
  scaleFactors: Int16Array;
  quantized: Int32Array;
  /** By window. */
  filters: readonly (readonly ShapingFilter[])[];
}

/** Reads the windows (ics_info). */
export function readWindows(bits: BitReader, tables: { long: Bands; short: Bands }): Windows {
  bits.skip(1);
  const sequence = bits.read(2);
  const shape = bits.read(1);
  const short = sequence === WindowSequence.short;
  const bandCount = bits.read(short ? 4 : 6);
  const groups = [1];
  if (short) {
    for (let i = 1; i < 8; i++) {
      if (bits.flag()) groups[groups.length - 1]!++;
      else groups.push(1);
    }
  } else if (bits.flag()) {
    throw new Error("AAC-LC holds no prediction");
  }
  const bands = short ? tables.short : tables.long;
  if (bandCount >= bands.offsets.length) throw new Error("too many bands in an AAC packet");
  return { sequence, shape, bandCount, groups, bands };
}

/** Reads a channel (individual_channel_stream), with its own windows unless the pair shares them. */
export function readChannel(bits: BitReader, tables: { long: Bands; short: Bands }, shared?: Windows): ChannelData {
  const globalGain = bits.read(8);
  const windows = shared ?? readWindows(bits, tables);
  const short = windows.sequence === WindowSequence.short;
  const codebooks = readSections(bits, windows);
  const scaleFactors = readScaleFactors(bits, codebooks, globalGain);
  const pulses = bits.flag() ? readPulses(bits, windows) : [];
  const filters = bits.flag() ? readFilters(bits, windows) : [];
  if (bits.flag()) throw new Error("AAC-LC holds no gain control");
  const quantized = readCoefficients(bits, windows, codebooks);
  if (pulses.length > 0 && short) throw new Error("pulses in short AAC windows");
  for (const { at, amplitude } of pulses) {
    const band = windows.bands.offsets.findIndex((offset) => offset > at) - 1;
    const codebook = band < windows.bandCount ? codebooks[band]! : Codebooks.zero;
    if (codebook === Codebooks.zero || codebook > Codebooks.escape) continue;
    quantized[at]! += quantized[at]! > 0 ? amplitude : -amplitude;
  }
  return { windows, codebooks, scaleFactors, quantized, filters };
}

function readSections(bits: BitReader, { sequence, bandCount, groups }: Windows): Uint8Array {
  const codebooks = new Uint8Array(groups.length * bandCount);
  const width = sequence === WindowSequence.short ? 3 : 5;
  const more = (1 << width) - 1;
  for (let group = 0; group < groups.length; group++) {
    for (let band = 0; band < bandCount; ) {
      const codebook = bits.read(4);
      let length = 0;
      let part = more;
      while (part === more) length += part = bits.read(width);
      if (codebook === 12 || length > bandCount - band) throw new Error("damaged sections in an AAC packet");
      codebooks.fill(codebook, group * bandCount + band, group * bandCount + band + length);
      band += length;
    }
  }
  return codebooks;
}

function readScaleFactors(bits: BitReader, codebooks: Uint8Array, globalGain: number): Int16Array {
  const out = new Int16Array(codebooks.length);
  let gain = globalGain;
  let intensity = 0;
  let noise: number | undefined;
  for (const [i, codebook] of codebooks.entries()) {
    if (codebook === Codebooks.zero) continue;
    if (codebook === Codebooks.noise) {
      // The first energy is told outright.
      noise = noise === undefined ? globalGain - 90 + bits.read(9) - 256 : noise + readScaleFactorStep(bits);
      out[i] = clamp(noise, -100, 155);
    } else if (codebook >= Codebooks.intensityInverse) {
      intensity += readScaleFactorStep(bits);
      out[i] = clamp(intensity, -155, 100);
    } else {
      out[i] = gain += readScaleFactorStep(bits);
      if (gain < 0 || gain > 255) throw new Error("an AAC scale factor is out of range");
    }
  }
  return out;
}

/** Damaged packets could ask for any loudness. */
function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function readPulses(bits: BitReader, { bands }: Windows): { at: number; amplitude: number }[] {
  const count = bits.read(2) + 1;
  let at = bands.offsets[bits.read(6)] ?? FRAME;
  return Array.from({ length: count }, () => {
    at += bits.read(5);
    if (at >= FRAME) throw new Error("an AAC pulse is out of range");
    return { at, amplitude: bits.read(4) };
  });
}

/** Reads the filters of temporal noise shaping (tns_data). */
function readFilters(bits: BitReader, { sequence, bands }: Windows): ShapingFilter[][] {
  const short = sequence === WindowSequence.short;
  return Array.from({ length: short ? 8 : 1 }, () => {
    const filters: ShapingFilter[] = [];
    const count = bits.read(short ? 1 : 2);
    const resolution = count > 0 ? 3 + bits.read(1) : 3;
    // Filters are listed from the top of the spectrum downwards.
    let to = bands.offsets.length - 1;
    for (let i = 0; i < count; i++) {
      const from = Math.max(0, to - bits.read(short ? 4 : 6));
      const order = bits.read(short ? 3 : 5);
      if (order > 12) throw new Error("an AAC noise shaping filter is too long");
      if (order > 0) {
        const downwards = bits.flag();
        const width = resolution - bits.read(1);
        const reflections = Float64Array.from({ length: order }, () => {
          const value = (bits.read(width) << (32 - width)) >> (32 - width);
          return Math.sin((value * Math.PI) / (2 ** resolution + (value < 0 ? 1 : -1)));
        });
        filters.push({ from, to, downwards, reflections });
      }
      to = from;
    }
    return filters;
  });
}

/** Reads the coefficients; those of short windows lie at window × 128. */
function readCoefficients(bits: BitReader, windows: Windows, codebooks: Uint8Array): Int32Array {
  const { groups, bandCount, bands } = windows;
  const out = new Int32Array(FRAME);
  let start = 0;
  for (const [group, length] of groups.entries()) {
    for (let band = 0; band < bandCount; band++) {
      const codebook = codebooks[group * bandCount + band]!;
      if (codebook === Codebooks.zero || codebook > Codebooks.escape) continue;
      for (let window = 0; window < length; window++) {
        const at = start + window * SHORT;
        readSpectrum(bits, codebook, out, at + bands.offsets[band]!, at + bands.offsets[band + 1]!);
      }
    }
    start += length * SHORT;
  }
  return out;
}
