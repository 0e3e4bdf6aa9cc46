/**
 * MPEG audio frame headers, and the Xing/LAME tag that the first frame may hold in place of sound: how many frames
 * follow, and how many samples the encoder put before and after the music. (ISO/IEC 11172-3, 13818-3; LAME tag
 * specification.)
 */

/** What a frame's four header bytes say. */
export interface Mp3Header {
  layer: 1 | 2 | 3;
  sampleRate: number;
  channels: 1 | 2;
  /** Length of the whole frame in bytes. */
  size: number;
  /** Samples of one channel in the frame. */
  samples: number;
  /** MPEG-1, as against the half-rate MPEG-2 and the quarter-rate 2.5. */
  mpeg1: boolean;
}

const KBIT: Record<string, number[]> = {
  "1-1": [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  "1-2": [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  "1-3": [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  "2-1": [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  "2-2": [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

/** The header at `at`, or undefined where no valid frame starts (free-format bit rates count as invalid). */
export function parseMp3Header(bytes: Uint8Array, at = 0): Mp3Header | undefined {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  if (a !== 0xff || b === undefined || c === undefined || d === undefined || (b & 0xe0) !== 0xe0) return undefined;
  const version = (b >> 3) & 3;
  const layerCode = (b >> 1) & 3;
  const rateIndex = (c >> 2) & 3;
  if (version === 1 || layerCode === 0 || rateIndex === 3) return undefined;
  const layer = (4 - layerCode) as 1 | 2 | 3;
  const mpeg1 = version === 3;
  const kbit = KBIT[mpeg1 ? `1-${layer}` : layer === 1 ? "2-1" : "2-2"]![c >> 4];
  if (!kbit) return undefined;
  const sampleRate = [44100, 48000, 32000][rateIndex]! / (mpeg1 ? 1 : version === 2 ? 2 : 4);
  const padding = (c >> 1) & 1;
  const samples = layer === 1 ? 384 : layer === 3 && !mpeg1 ? 576 : 1152;
  const size =
    layer === 1
      ? (Math.floor((12000 * kbit) / sampleRate) + padding) * 4
      : Math.floor(((samples / 8) * 1000 * kbit) / sampleRate) + padding;
  return { layer, sampleRate, channels: d >> 6 === 3 ? 1 : 2, size, samples, mpeg1 };
}

/** What a Xing, Info or VBRI tag says; fields it leaves out are absent. */
export interface Mp3Tag {
  frames?: number;
  /** Bytes of all frames, the tag's own included. */
  bytes?: number;
  /** Samples of encoder delay and end padding, by LAME's extension of the tag. */
  delay?: number;
  padding?: number;
}

/** The tag inside a first frame, if it is one. */
export function parseMp3Tag(frame: Uint8Array, header: Mp3Header): Mp3Tag | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const text = (at: number) => String.fromCharCode(...frame.subarray(at, at + 4));
  const sideInfo = header.mpeg1 ? (header.channels === 2 ? 32 : 17) : header.channels === 2 ? 17 : 9;
  let at = 4 + sideInfo;
  if (text(36) === "VBRI" && frame.length >= 54) return { bytes: view.getUint32(46), frames: view.getUint32(50) };
  const kind = text(at);
  if ((kind !== "Xing" && kind !== "Info") || frame.length < at + 8) return undefined;
  const flags = view.getUint32(at + 4);
  at += 8;
  const tag: Mp3Tag = {};
  const number = () => {
    const value = at + 4 <= frame.length ? view.getUint32(at) : undefined;
    at += 4;
    return value;
  };
  const frames = flags & 1 ? number() : undefined;
  if (frames) tag.frames = frames;
  const bytes = flags & 2 ? number() : undefined;
  if (bytes) tag.bytes = bytes;
  if (flags & 4) at += 100;
  if (flags & 8) at += 4;
  if (at + 24 <= frame.length && frame[at] !== 0) {
    const delay = (frame[at + 21]! << 4) | (frame[at + 22]! >> 4);
    const padding = ((frame[at + 22]! & 15) << 8) | frame[at + 23]!;
    if (delay > 0 || padding > 0) Object.assign(tag, { delay, padding });
  }
  return tag;
}
