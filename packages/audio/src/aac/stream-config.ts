/** The AudioSpecificConfig: what an AAC stream is, told once before its packets (ISO/IEC 14496-3, section 1.6). */
import { AudioError } from "../errors.ts";
import { BitReader } from "./bit-reader.ts";

/** Sample rates by their index in headers. */
export const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/** Channels by the number in headers; 0 says that the stream tells them itself. */
const CHANNEL_COUNTS = [0, 1, 2, 3, 4, 5, 6, 8];

const LOW_COMPLEXITY = 2;
const BAND_REPLICATION = 5;
const PARAMETRIC_STEREO = 29;

const PROFILES = new Map([
  [1, "Main"],
  [3, "SSR"],
  [4, "LTP"],
  [23, "LD"],
  [39, "ELD"],
  [42, "xHE"],
]);

/** What a config tells. */
export interface StreamConfig {
  /** The profile that the config names first: 2 is LC, 5 and 29 are LC with band replication. */
  objectType: number;
  /** The profile of the core, without what extends it. */
  coreType: number;
  /** Of the core, which band replication doubles. */
  sampleRate: number;
  /** Of the core, which parametric stereo doubles. */
  channels: number;
  /** Frames of 960 samples instead of 1024. */
  shortFrames: boolean;
}

/** The config of AAC, LC unless told, at a rate and channel count, for streams that carry none. */
export function audioSpecificConfig(sampleRate: number, channels: number, objectType = LOW_COMPLEXITY): Uint8Array {
  const index = AAC_RATES.indexOf(sampleRate);
  if (index < 0) {
    throw new AudioError(`AAC at ${sampleRate} Hz; expected one of ${AAC_RATES.join(", ")} Hz; convert it`);
  }
  const number = CHANNEL_COUNTS.indexOf(channels);
  if (number <= 0) throw new AudioError(`AAC with ${channels} channels; expected 1 to 6 or 8; convert it`);
  return Uint8Array.of((objectType << 3) | (index >> 1), ((index & 1) << 7) | (number << 3));
}

/** Reads a config. @throws AudioError when it is damaged. */
export function parseStreamConfig(config: Uint8Array, name: string): StreamConfig {
  try {
    return parse(new BitReader(config));
  } catch {
    throw new AudioError(`${name}: file is corrupt: a damaged AAC header; copy or encode it again`);
  }
}

function parse(bits: BitReader): StreamConfig {
  const objectType = readObjectType(bits);
  const sampleRate = readRate(bits);
  const channelNumber = bits.read(4);
  let coreType = objectType;
  if (objectType === BAND_REPLICATION || objectType === PARAMETRIC_STEREO) {
    readRate(bits);
    coreType = readObjectType(bits);
  }
  let shortFrames = false;
  let channels = CHANNEL_COUNTS[channelNumber];
  if (coreType === LOW_COMPLEXITY) {
    shortFrames = bits.flag();
    if (bits.flag()) bits.skip(14);
    bits.skip(1);
    if (channelNumber === 0) channels = readChannelLayout(bits);
  }
  if (!objectType || !(sampleRate > 0) || channels === undefined) throw new Error("reserved value");
  return { objectType, coreType, sampleRate, channels, shortFrames };
}

function readObjectType(bits: BitReader): number {
  const type = bits.read(5);
  return type === 31 ? 32 + bits.read(6) : type;
}

function readRate(bits: BitReader): number {
  const index = bits.read(4);
  return index === 15 ? bits.read(24) : (AAC_RATES[index] ?? 0);
}

/** Reads a program config element behind its type, for the number of channels it lists. */
export function readChannelLayout(bits: BitReader): number {
  bits.skip(4 + 2 + 4);
  const speakers = bits.read(4) + bits.read(4) + bits.read(4);
  const effects = bits.read(2);
  const passive = bits.read(3) * 4 + bits.read(4) * 5;
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(3);
  let channels = effects;
  for (let i = 0; i < speakers; i++) {
    channels += bits.flag() ? 2 : 1;
    bits.skip(4);
  }
  bits.skip(effects * 4 + passive);
  bits.align();
  bits.skip(bits.read(8) * 8);
  return channels;
}

/** @throws AudioError when our decoder cannot decode streams of the config. */
export function checkLowComplexity({ coreType, shortFrames }: StreamConfig, name: string): void {
  if (coreType === LOW_COMPLEXITY && !shortFrames) return;
  const what = shortFrames ? "frames of 960 samples" : `the ${PROFILES.get(coreType) ?? `number ${coreType}`} profile`;
  throw new AudioError(`${name}: AAC in ${what}; expected the LC profile; convert the file, e.g. to wav`);
}
