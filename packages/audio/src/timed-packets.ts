/**
 * Decoding packets that carry times (MP4, ADTS): those before time 0 are encoder delay and cut, as is what lies behind
 * the last packet's end, so that a clip comes back at the length it was encoded from.
 */
import { type AudioStream, checkFormat } from "./audio-stream.ts";
import { type ByteSource, corrupt, nameOf } from "./byte-source.ts";
import { AudioError, messageOf } from "./errors.ts";
import type { PacketDecoder } from "./packet-decoder.ts";

/** Output samples by which spectral band replication lags behind the core codec. */
const SBR_DELAY = 962;

/** A packet with its place on the presentation's time axis, in seconds. */
export interface TimedPacket {
  data: Uint8Array;
  timestamp: number;
  duration: number;
}

/** What a container tells {@link timedStream}. */
export interface TimedTrack {
  container: string;
  codec: string;
  /** Seconds, where the header tells it. */
  duration?: number;
  /** A new pass over the packets, in order. */
  packets(): AsyncIterable<TimedPacket>;
  openDecoder(): Promise<PacketDecoder>;
  close(): void;
}

/** An {@link AudioStream} of a track. @throws AudioError when its first packets cannot be decoded. */
export async function timedStream(source: ByteSource, track: TimedTrack): Promise<AudioStream> {
  const shape = await probe(source, track.packets(), await track.openDecoder());
  checkFormat(nameOf(source), shape.sampleRate, shape.channels);
  return {
    sampleRate: shape.sampleRate,
    numberOfChannels: shape.channels,
    ...(track.duration && track.duration > 0 ? { duration: track.duration } : {}),
    container: track.container,
    codec: track.codec,
    async *blocks() {
      const decoder = await track.openDecoder();
      try {
        yield* presented(source, track.packets(), decoder, shape);
      } catch (error) {
        throw damaged(source, error);
      } finally {
        decoder.close();
        track.close();
      }
    },
    close: () => track.close(),
  };
}

/** Errors of libraries as errors about the file. */
export function damaged(source: ByteSource, error: unknown): AudioError {
  return error instanceof AudioError ? error : corrupt(source, messageOf(error));
}

/** The real rate and channel count: HE-AAC doubles what its header says, which only decoding shows. */
async function probe(
  source: ByteSource,
  packets: AsyncIterable<TimedPacket>,
  decoder: PacketDecoder,
): Promise<{ sampleRate: number; channels: number }> {
  let tried = 0;
  let shape = { sampleRate: decoder.sampleRate, channels: decoder.numberOfChannels };
  try {
    for await (const packet of packets) {
      const block = await decoder.decode(packet.data);
      const length = block[0]?.length ?? 0;
      // A packet is 1024 samples of the core rate (960 in broadcast), or 2048 with spectral band replication.
      if (length > 0) {
        const factor =
          decoder.sampleRate > 0 && length >= 1920 && packet.duration > 0
            ? length / (packet.duration * decoder.sampleRate)
            : 1;
        shape = { sampleRate: decoder.sampleRate * (factor > 1.5 ? 2 : 1), channels: block.length };
      }
      if (length > 0 || ++tried > 8) break;
    }
  } catch (error) {
    throw damaged(source, error);
  } finally {
    decoder.close();
  }
  return shape;
}

/** Decodes packets and keeps what lies in the presentation: from time 0 to the end of the last packet. */
async function* presented(
  source: ByteSource,
  packets: AsyncIterable<TimedPacket>,
  decoder: PacketDecoder,
  shape: { sampleRate: number; channels: number },
): AsyncGenerator<Float32Array[]> {
  let position: number | undefined;
  let end = 0;
  let held: Float32Array[] | undefined;
  const cut = (block: Float32Array[]): Float32Array[] | undefined => {
    const length = block[0]?.length ?? 0;
    if (length === 0) return undefined;
    if (block.length !== shape.channels) throw corrupt(source, "the number of channels changes");
    const from = Math.min(length, Math.max(0, -position!));
    const to = Math.max(from, Math.min(length, Math.round(end * shape.sampleRate) - position!));
    position! += length;
    return to > from ? block.map((channel) => channel.subarray(from, to)) : undefined;
  };
  let withheld = false;
  for await (const packet of packets) {
    // AAC decoders withhold the first packet, so their first samples belong to the second one.
    if (position === undefined) {
      if (!withheld && decoder.preSkip === 0) {
        withheld = true;
        await decoder.decode(packet.data);
        continue;
      }
      position = Math.round(packet.timestamp * shape.sampleRate) - decoder.preSkip;
      // Spectral band replication, which shows in the doubled rate, delays by its filter banks.
      if (shape.sampleRate === 2 * decoder.sampleRate) position -= SBR_DELAY;
    }
    end = packet.timestamp + packet.duration;
    const block = cut(await decoder.decode(packet.data));
    if (held) yield held;
    held = block;
  }
  if (held) yield held;
  const rest = cut(await decoder.flush());
  if (rest) yield rest;
}
