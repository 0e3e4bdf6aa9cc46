/**
 * Opus packets to 48 kHz samples, by libopus compiled to WebAssembly (package `opus-decoder`, loaded on first use).
 * The stream's header is the "OpusHead" of RFC 7845 section 5.1, the same in Ogg, WebM and MP4 as demuxers give it.
 */
import { AudioError } from "./errors.ts";
import { type PacketDecoder, quietly } from "./packet-decoder.ts";

/** Opus always decodes to this rate, whatever the input was recorded at. */
export const OPUS_SAMPLE_RATE = 48000;

/** Whether a packet begins an Opus stream. */
export function isOpusHead(packet: Uint8Array): boolean {
  return String.fromCharCode(...packet.subarray(0, 8)) === "OpusHead";
}

interface OpusHead {
  channels: number;
  preSkip: number;
  /** Linear factor of the header's output gain. */
  gain: number;
  streamCount: number;
  coupledStreamCount: number;
  mapping: number[];
}

function parseOpusHead(head: Uint8Array, name: string): OpusHead {
  if (!isOpusHead(head) || head.length < 19) {
    throw new AudioError(`${name}: file is corrupt: a damaged Opus header; copy or encode it again`);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const channels = head[9]!;
  const family = head[18]!;
  const common = { channels, preSkip: view.getUint16(10, true), gain: 10 ** (view.getInt16(16, true) / 256 / 20) };
  if (family === 0 && (channels === 1 || channels === 2)) {
    return { ...common, streamCount: 1, coupledStreamCount: channels - 1, mapping: channels === 1 ? [0] : [0, 1] };
  }
  const mapping = [...head.subarray(21, 21 + channels)];
  const streamCount = head[19] ?? 0;
  const coupledStreamCount = head[20] ?? 0;
  const valid =
    channels > 0 &&
    mapping.length === channels &&
    streamCount > 0 &&
    coupledStreamCount <= streamCount &&
    mapping.every((m) => m === 255 || m < streamCount + coupledStreamCount);
  if (family === 0 || !valid) {
    throw new AudioError(`${name}: file is corrupt: an Opus header with a bad channel mapping; encode it again`);
  }
  return { ...common, streamCount, coupledStreamCount, mapping };
}

/** A decoder for the stream that `head` describes. @throws AudioError when the header is damaged. */
export async function openOpusDecoder(head: Uint8Array, name: string): Promise<PacketDecoder> {
  const { channels, preSkip, gain, streamCount, coupledStreamCount, mapping } = parseOpusHead(head, name);
  const { OpusDecoder } = await import("opus-decoder");
  // Pre-skip is left to the caller, who also knows where the stream ends.
  const decoder = new OpusDecoder({
    channels,
    streamCount,
    coupledStreamCount,
    channelMappingTable: mapping,
    preSkip: 0,
  });
  await decoder.ready;
  return {
    sampleRate: OPUS_SAMPLE_RATE,
    numberOfChannels: channels,
    preSkip,
    async decode(packet) {
      const { channelData, errors } = quietly(() => decoder.decodeFrame(packet));
      if (errors.length > 0) throw new Error(errors[0]!.message);
      if (gain !== 1) for (const channel of channelData) for (let i = 0; i < channel.length; i++) channel[i]! *= gain;
      return channelData;
    },
    flush: async () => [],
    close: once(() => decoder.free()),
  };
}

/** A function that does its work on the first call only: WebAssembly memory must not be freed twice. */
export function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}
