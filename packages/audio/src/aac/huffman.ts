/** Huffman codes whose words rise with their length. */
import type { BitReader } from "./bit-reader.ts";
import { type Codebook, SCALE_FACTOR_CODEBOOK, SPECTRUM_CODEBOOKS, type SpectrumCodebook } from "./codebooks.ts";

/** Words up to this length are looked up at once. */
const FAST_BITS = 9;

/** A code ready for reading. */
export class HuffmanCode {
  readonly #symbols: readonly number[];
  readonly #maxBits: number;
  /** By the next bits: symbol × 32 + length, 0 for longer words. */
  readonly #fast: Int32Array;
  /** By length: the first word behind those of that length, and the place of its symbol. */
  readonly #limits: number[] = [0];
  readonly #places: number[] = [0];

  constructor({ counts, symbols }: Codebook) {
    this.#symbols = symbols;
    this.#maxBits = counts.length;
    this.#fast = new Int32Array(1 << FAST_BITS);
    let word = 0;
    let place = 0;
    for (let length = 1; length <= counts.length; length++) {
      word *= 2;
      for (let i = 0; i < counts[length - 1]!; i++, word++, place++) {
        if (length > FAST_BITS) continue;
        const span = 1 << (FAST_BITS - length);
        this.#fast.fill(symbols[place]! * 32 + length, word * span, (word + 1) * span);
      }
      this.#limits.push(word);
      this.#places.push(place);
    }
  }

  /** The next symbol. @throws Error behind the end. */
  read(bits: BitReader): number {
    const entry = this.#fast[bits.peek(FAST_BITS)]!;
    if (entry !== 0) {
      bits.skip(entry & 31);
      return entry >> 5;
    }
    const ahead = bits.peek(this.#maxBits);
    let length = FAST_BITS + 1;
    // Every code is complete, so the longest length ends the search.
    while (ahead >> (this.#maxBits - length) >= this.#limits[length]!) length++;
    bits.skip(length);
    const word = ahead >> (this.#maxBits - length);
    return this.#symbols[this.#places[length]! - (this.#limits[length]! - word)]!;
  }
}

const scaleFactorCode = new HuffmanCode(SCALE_FACTOR_CODEBOOK);

/** A step between scale factors. */
export function readScaleFactorStep(bits: BitReader): number {
  return scaleFactorCode.read(bits) - 60;
}

/** One spectral codebook ready for reading. */
class SpectrumCode {
  readonly dimension: number;
  readonly #code: HuffmanCode;
  /** The coefficients of each symbol. */
  readonly #values: Int8Array;
  readonly #hasSigns: boolean;
  readonly #escape: number;

  constructor(book: SpectrumCodebook) {
    const { dimension, side, offset, symbols } = book;
    this.dimension = dimension;
    this.#code = new HuffmanCode(book);
    this.#values = new Int8Array(symbols.length * dimension);
    for (let symbol = 0; symbol < symbols.length; symbol++) {
      for (let i = dimension - 1, rest = symbol; i >= 0; i--, rest = Math.floor(rest / side)) {
        this.#values[symbol * dimension + i] = (rest % side) - offset;
      }
    }
    this.#hasSigns = offset === 0;
    // Only codebook 11 reaches 16, which says that a longer number follows.
    this.#escape = side === 17 ? 16 : Number.POSITIVE_INFINITY;
  }

  read(bits: BitReader, out: Int32Array, at: number): void {
    const { dimension } = this;
    const from = this.#code.read(bits) * dimension;
    for (let i = 0; i < dimension; i++) out[at + i] = this.#values[from + i]!;
    if (!this.#hasSigns) return;
    for (let i = at; i < at + dimension; i++) if (out[i] !== 0 && bits.flag()) out[i] = -out[i]!;
    if (Math.abs(out[at]!) === this.#escape) out[at] = Math.sign(out[at]!) * readEscape(bits);
    if (Math.abs(out[at + 1]!) === this.#escape) out[at + 1] = Math.sign(out[at + 1]!) * readEscape(bits);
  }
}

function readEscape(bits: BitReader): number {
  let width = 4;
  while (bits.flag()) width++;
  if (width > 12) throw new Error("an AAC coefficient is out of range");
  return (1 << width) + bits.read(width);
}

const spectrumCodes = SPECTRUM_CODEBOOKS.map((book) => new SpectrumCode(book));

/** Reads the coefficients [from, to) that codebook `number` (1 to 11) holds. */
export function readSpectrum(bits: BitReader, number: number, out: Int32Array, from: number, to: number): void {
  const code = spectrumCodes[number - 1]!;
  for (let at = from; at < to; at += code.dimension) code.read(bits, out, at);
}
