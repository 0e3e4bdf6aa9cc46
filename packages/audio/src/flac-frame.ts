/**
 * One FLAC frame: a header with a checksum, one subframe a channel (a constant, raw samples, or a predictor with a
 * Rice-coded residual), and a checksum over it all. (RFC 9639.)
 */
import { crc8, crc16 } from "./flac-checksums.ts";

/** Thrown inside the decoder when a frame needs more bytes than there are. */
export class NeedMoreBytes extends Error {}
/** Thrown inside the decoder when bits contradict the format; the message says which. */
export class BadFrame extends Error {}

/** Bits from the most significant down, found by looking at 32 of them at a time. */
class BitReader {
  readonly bytes: Uint8Array;
  /** Index of the next bit. */
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.#at = start * 8;
    this.#end = bytes.length * 8;
  }

  /** The byte that holds the next bit. */
  get byte(): number {
    return this.#at >>> 3;
  }

  /** The next 32 bits, zeros behind the end. */
  #peek(): number {
    const i = this.#at >>> 3;
    const shift = this.#at & 7;
    const b = this.bytes;
    const word = (b[i]! << 24) | (b[i + 1]! << 16) | (b[i + 2]! << 8) | b[i + 3]!;
    return shift === 0 ? word : (word << shift) | (b[i + 4]! >>> (8 - shift));
  }

  #advance(count: number): void {
    this.#at += count;
    if (this.#at > this.#end) throw new NeedMoreBytes();
  }

  /** An unsigned number of up to 32 bits. */
  read(count: number): number {
    if (count === 0) return 0;
    const value = this.#peek() >>> (32 - count);
    this.#advance(count);
    return value;
  }

  /** A two's complement number of up to 33 bits. */
  signed(count: number): number {
    if (count === 0) return 0;
    const value = count > 32 ? this.read(count - 32) * 2 ** 32 + this.read(32) : this.read(count);
    return value >= 2 ** (count - 1) ? value - 2 ** count : value;
  }

  /** Zeros before the next one. */
  unary(): number {
    for (let zeros = 0; ; zeros += 32) {
      const word = this.#peek();
      if (word !== 0) {
        const lead = Math.clz32(word);
        this.#advance(lead + 1);
        return zeros + lead;
      }
      this.#advance(32);
    }
  }

  /** Rice-coded signed numbers into out[from, to). */
  rice(parameter: number, out: Float64Array, from: number, to: number): void {
    const scale = 2 ** parameter;
    for (let i = from; i < to; i++) {
      const word = this.#peek();
      const lead = Math.clz32(word);
      if (lead + 1 + parameter <= 32 && lead < 31) {
        const low = parameter === 0 ? 0 : (word << (lead + 1)) >>> (32 - parameter);
        const folded = (lead << parameter) | low;
        this.#advance(lead + 1 + parameter);
        out[i] = (folded >>> 1) ^ -(folded & 1);
      } else {
        const folded = this.unary() * scale + this.read(parameter);
        out[i] = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
      }
    }
  }

  align(): void {
    this.#at = (this.#at + 7) & ~7;
  }
}

/** What the STREAMINFO block says. */
export interface FlacInfo {
  sampleRate: number;
  channels: number;
  bits: number;
  /** Samples of one channel, 0 when not known. */
  totalSamples: number;
  maxBlockSize: number;
}

/** A decoded frame: integers of `bits` bits a channel, and where in the input it ended. */
export interface FlacFrame {
  channels: Float64Array[];
  blockSize: number;
  bits: number;
  sampleRate: number;
  end: number;
}

const BLOCK_SIZES = [0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
const RATES = [0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000];
const BITS = [0, 8, 12, 0, 16, 20, 24, 32];

/**
 * Decodes the frame that starts at `start`.
 * @throws NeedMoreBytes when the bytes end inside it. @throws BadFrame when it is damaged.
 */
export function decodeFlacFrame(bytes: Uint8Array, start: number, info: FlacInfo): FlacFrame {
  const reader = new BitReader(bytes, start);
  if (reader.read(15) !== 0x7ffc) throw new BadFrame("no frame where one was expected");
  reader.read(1);
  const sizeCode = reader.read(4);
  const rateCode = reader.read(4);
  const assignment = reader.read(4);
  const bitsCode = reader.read(3);
  if (reader.read(1) !== 0) throw new BadFrame("a reserved bit is set in a frame header");
  // The frame or sample number, coded like UTF-8: the count of leading ones gives its bytes.
  const lead = reader.read(8);
  const extra = lead < 0x80 ? 0 : Math.clz32(~(lead << 24)) - 1;
  for (let i = 0; i < extra; i++) reader.read(8);
  const blockSize = sizeCode === 6 ? reader.read(8) + 1 : sizeCode === 7 ? reader.read(16) + 1 : BLOCK_SIZES[sizeCode]!;
  let sampleRate = RATES[rateCode] ?? 0;
  if (rateCode === 0) sampleRate = info.sampleRate;
  else if (rateCode === 12) sampleRate = reader.read(8) * 1000;
  else if (rateCode === 13) sampleRate = reader.read(16);
  else if (rateCode === 14) sampleRate = reader.read(16) * 10;
  const bits = bitsCode === 0 ? info.bits : BITS[bitsCode]!;
  const headerEnd = reader.byte;
  if (reader.read(8) !== crc8(bytes, start, headerEnd)) throw new BadFrame("a frame header fails its checksum");
  if (blockSize === 0 || assignment > 10 || bits === 0 || rateCode === 15) {
    throw new BadFrame("a frame header has reserved values");
  }
  const count = assignment < 8 ? assignment + 1 : 2;
  if (count !== info.channels) throw new BadFrame(`a frame of ${count} channels in a file of ${info.channels}`);
  const channels: Float64Array[] = [];
  for (let c = 0; c < count; c++) {
    // The difference channel of a stereo pair needs one bit more.
    const side = (assignment === 8 && c === 1) || (assignment === 9 && c === 0) || (assignment === 10 && c === 1);
    channels.push(decodeSubframe(reader, blockSize, bits + (side ? 1 : 0)));
  }
  reader.align();
  const bodyEnd = reader.byte;
  if (reader.read(16) !== crc16(bytes, start, bodyEnd)) throw new BadFrame("a frame fails its checksum");
  if (assignment >= 8) joinStereo(assignment, channels[0]!, channels[1]!);
  return { channels, blockSize, bits, sampleRate, end: reader.byte };
}

/** Left/side, side/right or mid/side back to left/right, in place. */
function joinStereo(assignment: number, a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (assignment === 8) b[i] = x - y;
    else if (assignment === 9) a[i] = x + y;
    else {
      const mid = 2 * x + (Math.abs(y) % 2);
      a[i] = (mid + y) / 2;
      b[i] = (mid - y) / 2;
    }
  }
}

function decodeSubframe(reader: BitReader, blockSize: number, frameBits: number): Float64Array {
  if (reader.read(1) !== 0) throw new BadFrame("a subframe has its padding bit set");
  const type = reader.read(6);
  const wasted = reader.read(1) ? reader.unary() + 1 : 0;
  const bits = frameBits - wasted;
  if (bits < 1) throw new BadFrame("a subframe wastes all its bits");
  const out = new Float64Array(blockSize);
  if (type === 0) out.fill(reader.signed(bits));
  else if (type === 1) for (let i = 0; i < blockSize; i++) out[i] = reader.signed(bits);
  else if (type >= 8 && type <= 12) decodeFixed(reader, out, type - 8, bits);
  else if (type >= 32) decodeLinear(reader, out, type - 31, bits);
  else throw new BadFrame(`a subframe of reserved type ${type}`);
  if (wasted > 0) for (let i = 0; i < blockSize; i++) out[i]! *= 2 ** wasted;
  return out;
}

const FIXED = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

function decodeFixed(reader: BitReader, out: Float64Array, order: number, bits: number): void {
  if (order > out.length) throw new BadFrame("a predictor is longer than its block");
  for (let i = 0; i < order; i++) out[i] = reader.signed(bits);
  decodeResidual(reader, out, order);
  predict(out, FIXED[order]!, 0);
}

function decodeLinear(reader: BitReader, out: Float64Array, order: number, bits: number): void {
  if (order > out.length) throw new BadFrame("a predictor is longer than its block");
  for (let i = 0; i < order; i++) out[i] = reader.signed(bits);
  const precision = reader.read(4) + 1;
  const shift = reader.signed(5);
  if (precision === 16 || shift < 0) throw new BadFrame("a predictor has reserved values");
  const coefficients = Array.from({ length: order }, () => reader.signed(precision));
  decodeResidual(reader, out, order);
  predict(out, coefficients, shift);
}

/** Adds to each residual the prediction from the samples before it; coefficients run from the latest sample back. */
function predict(out: Float64Array, coefficients: readonly number[], shift: number): void {
  const order = coefficients.length;
  const scale = 2 ** -shift;
  for (let i = order; i < out.length; i++) {
    let sum = 0;
    // Products of 33-bit samples and 15-bit coefficients, 32 of them, stay exact in a double.
    for (let j = 0; j < order; j++) sum += coefficients[j]! * out[i - 1 - j]!;
    out[i]! += Math.floor(sum * scale);
  }
}

function decodeResidual(reader: BitReader, out: Float64Array, order: number): void {
  const method = reader.read(2);
  if (method > 1) throw new BadFrame("a residual of reserved coding");
  const width = method === 0 ? 4 : 5;
  const rawCode = (1 << width) - 1;
  const partitions = 1 << reader.read(4);
  const perPartition = out.length / partitions;
  if (!Number.isInteger(perPartition) || perPartition < order) throw new BadFrame("residual partitions do not fit");
  let i = order;
  for (let p = 0; p < partitions; p++) {
    const end = (p + 1) * perPartition;
    const parameter = reader.read(width);
    if (parameter === rawCode) {
      const bits = reader.read(5);
      for (; i < end; i++) out[i] = reader.signed(bits);
    } else {
      reader.rice(parameter, out, i, end);
      i = end;
    }
  }
}
