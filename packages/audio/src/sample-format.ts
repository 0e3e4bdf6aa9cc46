/**
 * The number formats samples are stored in, and how each becomes a float32 in [-1, 1): integers are divided by
 * 2^(bits-1), µ-law and A-law are expanded to 16-bit integers first (ITU-T G.711), floats are taken as they are.
 */

/** Sample formats of wav files; numbers are little-endian. */
export type SampleFormat = "pcm-u8" | "pcm-s16" | "pcm-s24" | "pcm-s32" | "pcm-f32" | "pcm-f64" | "mulaw" | "alaw";

const BYTES: Record<SampleFormat, number> = {
  "pcm-u8": 1,
  "pcm-s16": 2,
  "pcm-s24": 3,
  "pcm-s32": 4,
  "pcm-f32": 4,
  "pcm-f64": 8,
  mulaw: 1,
  alaw: 1,
};

/** Bytes of one sample of one channel. */
export function bytesPerSample(format: SampleFormat): number {
  return BYTES[format];
}

/** µ-law byte to a 16-bit integer: inverted bits, sign, 3-bit exponent, 4-bit mantissa, bias 132. */
function expandMulaw(byte: number): number {
  const bits = ~byte & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return bits & 0x80 ? -magnitude : magnitude;
}

/** A-law byte to a 16-bit integer: every second bit inverted, sign 1 for positive, linear in the lowest segment. */
function expandAlaw(byte: number): number {
  const bits = byte ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

const tables = new Map<SampleFormat, Float32Array>();

function companding(format: "mulaw" | "alaw"): Float32Array {
  let table = tables.get(format);
  if (!table) {
    const expand = format === "mulaw" ? expandMulaw : expandAlaw;
    table = Float32Array.from({ length: 256 }, (_, byte) => expand(byte) / 32768);
    tables.set(format, table);
  }
  return table;
}

/** Interleaved bytes to one float32 array a channel; `bytes` holds whole sample frames. */
export function deinterleave(bytes: Uint8Array, format: SampleFormat, channels: number): Float32Array[] {
  const width = BYTES[format];
  const frames = Math.floor(bytes.length / (width * channels));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const step = width * channels;
  return Array.from({ length: channels }, (_, channel) => {
    const out = new Float32Array(frames);
    let at = channel * width;
    switch (format) {
      case "pcm-u8":
        for (let i = 0; i < frames; i++, at += step) out[i] = (bytes[at]! - 128) / 128;
        break;
      case "pcm-s16":
        for (let i = 0; i < frames; i++, at += step) out[i] = view.getInt16(at, true) / 32768;
        break;
      case "pcm-s24":
        for (let i = 0; i < frames; i++, at += step) {
          out[i] = ((bytes[at]! << 8) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 24)) / 2147483648;
        }
        break;
      case "pcm-s32":
        for (let i = 0; i < frames; i++, at += step) out[i] = view.getInt32(at, true) / 2147483648;
        break;
      case "pcm-f32":
        for (let i = 0; i < frames; i++, at += step) out[i] = view.getFloat32(at, true);
        break;
      case "pcm-f64":
        for (let i = 0; i < frames; i++, at += step) out[i] = view.getFloat64(at, true);
        break;
      default: {
        const table = companding(format);
        for (let i = 0; i < frames; i++, at += step) out[i] = table[bytes[at]!]!;
      }
    }
    return out;
  });
}

/** A sample as a 16-bit integer, clipped at ±1; 32,768 a unit, so that a 16-bit file that is read and written stays. */
export function int16Of(sample: number): number {
  return Math.min(32767, Math.round(Math.max(-1, Math.min(1, sample)) * 32768));
}
