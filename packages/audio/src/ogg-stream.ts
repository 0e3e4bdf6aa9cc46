/** Vorbis, Opus and FLAC in Ogg: the first packets say which, the rest are decoded one by one. */
import { type AudioStream, checkFormat } from "./audio-stream.ts";
import { ByteReader, type ByteSource, corrupt, nameOf, readFully, truncated } from "./byte-source.ts";
import { AudioError, messageOf } from "./errors.ts";
import { BadFrame, decodeFlacFrame, NeedMoreBytes } from "./flac-frame.ts";
import { flacSamples, parseStreamInfo } from "./flac-reader.ts";
import { type GranuleBlock, trimToGranules } from "./granule-trim.ts";
import { isOgg, type OggPacket, oggPackets } from "./ogg-reader.ts";
import { isOpusHead, openOpusDecoder } from "./opus-decoder.ts";
import type { PacketDecoder } from "./packet-decoder.ts";
import { isVorbisHead, openVorbisDecoder } from "./vorbis-decoder.ts";

function isFlacHead(packet: Uint8Array): boolean {
  return packet[0] === 0x7f && String.fromCharCode(...packet.subarray(1, 5)) === "FLAC";
}

/** Opens an Ogg file. @throws AudioError when it holds no audio known here, or is damaged. */
export async function openOgg(source: ByteSource): Promise<AudioStream> {
  const name = nameOf(source);
  const packets = oggPackets(new ByteReader(source), (p) => isVorbisHead(p) || isOpusHead(p) || isFlacHead(p));
  const next = async (): Promise<OggPacket> => {
    const { value, done } = await packets.next();
    if (done) throw truncated(source, "the Ogg stream's headers");
    return value;
  };
  const head = (await next()).data;
  if (isFlacHead(head)) return oggFlac(source, head, packets);
  // The comments: titles and pictures, nothing a decoder needs.
  await next();
  const decoder = isOpusHead(head)
    ? await openOpusDecoder(head, name)
    : await openVorbisDecoder(head, (await next()).data, name);
  checkFormat(name, decoder.sampleRate, decoder.numberOfChannels);
  const granules = await lastGranule(source);
  const duration = granules === undefined ? undefined : Math.max(0, granules - decoder.preSkip) / decoder.sampleRate;
  return {
    sampleRate: decoder.sampleRate,
    numberOfChannels: decoder.numberOfChannels,
    ...(duration === undefined ? {} : { duration }),
    container: "ogg",
    codec: isOpusHead(head) ? "opus" : "vorbis",
    async *blocks() {
      try {
        yield* trimToGranules(decodePackets(source, packets, decoder), decoder.preSkip);
      } finally {
        decoder.close();
      }
    },
    close: () => decoder.close(),
  };
}

async function* decodePackets(
  source: ByteSource,
  packets: AsyncIterable<OggPacket>,
  decoder: PacketDecoder,
): AsyncGenerator<GranuleBlock> {
  for await (const { data, granule, last } of packets) {
    let channels: Float32Array[] = [];
    try {
      if (data.length > 0) channels = await decoder.decode(data);
    } catch (error) {
      throw error instanceof AudioError ? error : corrupt(source, messageOf(error));
    }
    yield { channels, ...(granule === undefined ? {} : { granule }), last };
  }
}

/** The granule position of the file's last page: its length in samples, where that page can be found. */
async function lastGranule(source: ByteSource): Promise<number | undefined> {
  const window = Math.min(source.size, 1 << 16);
  const tail = await readFully(source, source.size - window, window);
  for (let at = tail.length - 27; at >= 0; at--) {
    if (tail[at] === 0x4f && isOgg(tail.subarray(at, at + 4)) && (tail[at + 5]! & 4) !== 0) {
      const granule = Number(new DataView(tail.buffer, tail.byteOffset + at).getBigInt64(6, true));
      return granule >= 0 && granule < 2 ** 48 ? granule : undefined;
    }
  }
  return undefined;
}

function oggFlac(source: ByteSource, head: Uint8Array, packets: AsyncGenerator<OggPacket>): AudioStream {
  if (head.length < 51) throw corrupt(source, "a damaged FLAC header");
  const info = parseStreamInfo(head.subarray(17, 51), nameOf(source));
  return {
    sampleRate: info.sampleRate,
    numberOfChannels: info.channels,
    ...(info.totalSamples > 0 ? { duration: info.totalSamples / info.sampleRate } : {}),
    container: "ogg",
    codec: "flac",
    async *blocks() {
      for await (const { data } of packets) {
        // Metadata blocks come first; their first byte, a block type, is never 0xFF as a frame's is.
        if (data[0] !== 0xff) continue;
        let frame: ReturnType<typeof decodeFlacFrame>;
        try {
          frame = decodeFlacFrame(data, 0, info);
        } catch (error) {
          if (error instanceof BadFrame) throw corrupt(source, error.message);
          if (error instanceof NeedMoreBytes) throw corrupt(source, "a FLAC frame breaks off");
          throw error;
        }
        yield flacSamples(frame);
      }
    },
    close() {},
  };
}
