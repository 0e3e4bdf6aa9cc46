/**
 * Bare AAC streams (files named .aac): ADTS frames one after another, each a header of 7 or 9 bytes and one packet
 * (ISO/IEC 13818-7). Nothing in them tells the encoder's delay, so nothing is cut.
 */
import { AAC_RATES, audioSpecificConfig } from "./aac/stream-config.ts";
import { openAacDecoder } from "./aac-decoder.ts";
import type { AudioStream } from "./audio-stream.ts";
import { ByteReader, type ByteSource, corrupt, nameOf, truncated } from "./byte-source.ts";
import { AudioError } from "./errors.ts";
import { type TimedPacket, timedStream } from "./timed-packets.ts";

/** Samples of the core codec in a packet. */
const PACKET_SAMPLES = 1024;

interface AdtsHeader {
  objectType: number;
  sampleRate: number;
  channels: number;
  headerBytes: number;
  frameBytes: number;
  /** Packets in the frame. */
  packets: number;
}

function parseHeader(bytes: Uint8Array): AdtsHeader | undefined {
  if (bytes.length < 7 || bytes[0] !== 0xff || (bytes[1]! & 0xf6) !== 0xf0) return undefined;
  const sampleRate = AAC_RATES[(bytes[2]! >> 2) & 15];
  const channels = ((bytes[2]! & 1) << 2) | (bytes[3]! >> 6);
  const headerBytes = bytes[1]! & 1 ? 7 : 9;
  const frameBytes = ((bytes[3]! & 3) << 11) | (bytes[4]! << 3) | (bytes[5]! >> 5);
  if (!sampleRate || channels === 0 || frameBytes <= headerBytes) return undefined;
  return {
    objectType: (bytes[2]! >> 6) + 1,
    sampleRate,
    channels: channels === 7 ? 8 : channels,
    headerBytes,
    frameBytes,
    packets: (bytes[6]! & 3) + 1,
  };
}

/** Opens an ADTS stream that begins at byte `start`. @throws AudioError when it is damaged. */
export async function openAdts(source: ByteSource, start = 0): Promise<AudioStream> {
  const head = parseHeader(await new ByteReader(source, start).peek(9));
  if (!head) throw corrupt(source, "a damaged AAC (ADTS) header");
  const config = audioSpecificConfig(head.sampleRate, head.channels, head.objectType);
  return timedStream(source, {
    container: "adts",
    codec: "aac",
    packets: () => packets(source, start, head.sampleRate),
    openDecoder: () => openAacDecoder(config, nameOf(source)),
    close() {},
  });
}

async function* packets(source: ByteSource, start: number, sampleRate: number): AsyncGenerator<TimedPacket> {
  const reader = new ByteReader(source, start);
  const duration = PACKET_SAMPLES / sampleRate;
  // The decoder's first samples belong to the second packet; the clip starts with them.
  for (let i = -1; reader.remaining > 0; i++) {
    const at = reader.position;
    const bytes = await reader.peek(9);
    const head = parseHeader(bytes);
    if (!head) {
      // ID3v1 and APE tags may follow the last frame.
      if (/^(TAG|APE)/.test(String.fromCharCode(...bytes.subarray(0, 3)))) return;
      if (bytes.length < 7) throw truncated(source, `the AAC frame at byte ${at}`);
      throw corrupt(source, `no AAC frame at byte ${at}`);
    }
    if (head.sampleRate !== sampleRate) throw corrupt(source, `the sample rate changes at byte ${at}`);
    if (head.packets > 1) {
      throw new AudioError(
        `${nameOf(source)}: AAC with ${head.packets} packets in a frame; expected 1; convert the file`,
      );
    }
    const frame = await reader.take(head.frameBytes, `the AAC frame at byte ${at}`);
    yield { data: frame.slice(head.headerBytes), timestamp: i * duration, duration };
  }
}
