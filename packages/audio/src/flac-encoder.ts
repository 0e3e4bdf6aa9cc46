/**
 * FLAC frames of 16-bit samples (RFC 9639): every channel by itself as a constant, a fixed predictor of order 0 to 4 with
 * a Rice-coded residual in partitions, or raw, whichever is shortest. Linear prediction would save a few per cent more.
 */
import { crc8, crc16 } from "./flac-checksums.ts";

/** Samples of a block; the last of a file may be shorter. */
export const FLAC_BLOCK = 4096;
export const FLAC_BITS = 16;
const MAX_ORDER = 4;
/** Most partitions are 2 ** this: of 4,096 samples, 16 are left to each. */
const MAX_PARTITION_ORDER = 8;
/** Rice parameters are four bits, of which 15 has another meaning. */
const MAX_RICE = 14;
const RATES = new Map(
  [88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000].map((r, i) => [r, i + 1]),
);

/** Bits from the most significant down into bytes that grow. */
class BitWriter {
  #bytes: Uint8Array;
  #at = 0;
  /** Bits not yet written, in the low #held bits. */
  #word = 0;
  #held = 0;

  constructor(room: number) {
    this.#bytes = new Uint8Array(room);
  }

  /** The low `count` bits of `value`, at most 24. */
  write(value: number, count: number): void {
    this.#word = (this.#word << count) | (value & ((1 << count) - 1));
    this.#held += count;
    while (this.#held >= 8) {
      this.#held -= 8;
      this.#put(this.#word >>> this.#held);
    }
    this.#word &= (1 << this.#held) - 1;
  }

  /** `zeros` zeros and a one. */
  unary(zeros: number): void {
    let left = zeros;
    for (; left >= 24; left -= 24) this.write(0, 24);
    this.write(1, left + 1);
  }

  /** The bytes so far, the last filled up with zeros. */
  bytes(): Uint8Array {
    if (this.#held > 0) this.write(0, 8 - this.#held);
    return this.#bytes.subarray(0, this.#at);
  }

  #put(byte: number): void {
    if (this.#at === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#at);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#at++] = byte;
  }
}

/** A number as UTF-8 would code it, up to 36 bits (RFC 9639, 9.1.5). */
function codedNumber(value: number): number[] {
  if (value < 0x80) return [value];
  const tail: number[] = [];
  let rest = value;
  // the first byte of n bytes has room for 7 - n bits
  while (rest >= 2 ** (6 - tail.length)) {
    tail.unshift(0x80 | (rest % 64));
    rest = Math.floor(rest / 64);
  }
  const lead = (0xff00 >> (tail.length + 1)) & 0xff;
  return [lead | rest, ...tail];
}

/**
 * One frame.
 * @param channels 1 to 8 arrays of one length, 1 to {@link FLAC_BLOCK}, of 16-bit integers.
 * @param number the frame's index in the file; all before it must hold {@link FLAC_BLOCK} samples.
 */
export function encodeFlacFrame(channels: readonly Int16Array[], sampleRate: number, number: number): Uint8Array {
  const size = channels[0]!.length;
  const full = size === FLAC_BLOCK;
  // rates without a code are told in Hz, those past 16 bits only at the file's head
  const rateCode = RATES.get(sampleRate) ?? (sampleRate < 65_536 ? 13 : 0);
  const head = [0xff, 0xf8, ((full ? 12 : 7) << 4) | rateCode, ((channels.length - 1) << 4) | (4 << 1)];
  head.push(...codedNumber(number));
  if (!full) head.push((size - 1) >> 8, (size - 1) & 255);
  if (rateCode === 13) head.push(sampleRate >> 8, sampleRate & 255);
  const out = new BitWriter(size * channels.length * 2 + 64);
  for (const byte of head) out.write(byte, 8);
  out.write(crc8(Uint8Array.from(head), 0, head.length), 8);
  for (const channel of channels) writeSubframe(out, channel);
  const body = out.bytes();
  out.write(crc16(body, 0, body.length), 16);
  return out.bytes();
}

function writeSubframe(out: BitWriter, samples: Int16Array): void {
  if (samples.every((x) => x === samples[0])) {
    out.write(0, 8);
    out.write(samples[0]!, FLAC_BITS);
    return;
  }
  const { order, residual } = bestPredictor(samples);
  const coding = ricePartitions(residual, order);
  if (coding.bits + order * FLAC_BITS + 6 >= samples.length * FLAC_BITS) {
    out.write(1 << 1, 8);
    for (const x of samples) out.write(x, FLAC_BITS);
    return;
  }
  out.write((8 + order) << 1, 8);
  for (let i = 0; i < order; i++) out.write(samples[i]!, FLAC_BITS);
  // coding method 0: parameters of four bits
  out.write(0, 2);
  out.write(coding.partitionOrder, 4);
  const perPartition = residual.length >> coding.partitionOrder;
  for (const [p, parameter] of coding.parameters.entries()) {
    out.write(parameter, 4);
    for (let i = Math.max(order, p * perPartition); i < (p + 1) * perPartition; i++) {
      const folded = fold(residual[i]!);
      out.unary(folded >>> parameter);
      if (parameter > 0) out.write(folded, parameter);
    }
  }
}

/** 0, -1, 1, -2, … to 0, 1, 2, 3, … */
const fold = (x: number): number => (x << 1) ^ (x >> 31);

/** The fixed predictor whose residual is smallest: differences of differences (RFC 9639, 9.2.5). */
function bestPredictor(samples: Int16Array): { order: number; residual: Int32Array } {
  let residual = Int32Array.from(samples);
  let best = { order: 0, residual, sum: sumOf(residual, MAX_ORDER) };
  for (let order = 1; order <= Math.min(MAX_ORDER, samples.length - 1); order++) {
    const next = residual.slice();
    for (let i = order; i < next.length; i++) next[i] = residual[i]! - residual[i - 1]!;
    residual = next;
    const sum = sumOf(residual, MAX_ORDER);
    if (sum < best.sum) best = { order, residual, sum };
  }
  return best;
}

function sumOf(values: Int32Array, from: number): number {
  let sum = 0;
  for (let i = from; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum;
}

/** Into how many partitions the residual falls and the Rice parameter of each, by the length that comes of it. */
function ricePartitions(
  residual: Int32Array,
  order: number,
): { partitionOrder: number; parameters: number[]; bits: number } {
  let best: { partitionOrder: number; parameters: number[]; bits: number } | undefined;
  for (let partitionOrder = 0; partitionOrder <= MAX_PARTITION_ORDER; partitionOrder++) {
    const perPartition = residual.length / 2 ** partitionOrder;
    if (!Number.isInteger(perPartition) || perPartition <= order) break;
    const parameters: number[] = [];
    let bits = 0;
    for (let p = 0; p < 2 ** partitionOrder; p++) {
      const { parameter, bits: length } = riceParameter(
        residual,
        Math.max(order, p * perPartition),
        (p + 1) * perPartition,
      );
      parameters.push(parameter);
      bits += 4 + length;
    }
    if (!best || bits < best.bits) best = { partitionOrder, parameters, bits };
  }
  return best!;
}

function riceParameter(residual: Int32Array, from: number, to: number): { parameter: number; bits: number } {
  const count = to - from;
  let sum = 0;
  for (let i = from; i < to; i++) sum += fold(residual[i]!);
  // near the logarithm of the mean; the exact lengths decide between neighbours
  const guess = Math.max(0, Math.min(MAX_RICE, Math.floor(Math.log2(Math.max(1, sum / count)))));
  let best = { parameter: 0, bits: Number.POSITIVE_INFINITY };
  for (let parameter = Math.max(0, guess - 1); parameter <= Math.min(MAX_RICE, guess + 1); parameter++) {
    let bits = count * (parameter + 1);
    for (let i = from; i < to; i++) bits += fold(residual[i]!) >>> parameter;
    if (bits < best.bits) best = { parameter, bits };
  }
  return best;
}
