/**
 * Vorbis packets to samples, by libvorbis compiled to WebAssembly (package `@wasm-audio-decoders/ogg-vorbis`, loaded on
 * first use). A Vorbis stream starts with three header packets: identification, comments and set-up.
 */
import { AudioError } from "./errors.ts";
import { once } from "./opus-decoder.ts";
import type { PacketDecoder } from "./packet-decoder.ts";

/** Whether a packet begins a Vorbis stream. */
export function isVorbisHead(packet: Uint8Array): boolean {
  return packet.length >= 30 && packet[0] === 1 && String.fromCharCode(...packet.subarray(1, 7)) === "vorbis";
}

/** The decoder's input buffer, fixed in the library. */
const MAX_PACKET = 128 * 1024;

/**
 * A decoder for the stream of the given header packets.
 * @throws AudioError when a header is damaged.
 */
export async function openVorbisDecoder(
  identification: Uint8Array,
  setup: Uint8Array,
  name: string,
): Promise<PacketDecoder> {
  const damaged = setup[0] !== 5 || String.fromCharCode(...setup.subarray(1, 7)) !== "vorbis";
  if (!isVorbisHead(identification) || damaged || setup.length > MAX_PACKET) {
    throw new AudioError(`${name}: file is corrupt: a damaged Vorbis header; copy or encode it again`);
  }
  const view = new DataView(identification.buffer, identification.byteOffset, identification.byteLength);
  const numberOfChannels = identification[11]!;
  const sampleRate = view.getUint32(12, true);
  const { OggVorbisDecoder } = await import("@wasm-audio-decoders/ogg-vorbis");
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  // The library wants packets in the shape of its own Ogg parser; ours has checked the pages already.
  type Pages = Parameters<typeof decoder.decodeOggPages>[0];
  const decodePacket = (pages: unknown[]) => decoder.decodeOggPages(pages as Pages);
  await decodePacket([{ data: identification, codecFrames: [] }]);
  let started = false;
  return {
    sampleRate,
    numberOfChannels,
    preSkip: 0,
    async decode(packet) {
      if (packet.length > MAX_PACKET) throw new Error("a Vorbis packet is too long");
      const frame = started ? { data: packet } : { data: packet, header: { vorbisSetup: setup } };
      started = true;
      const { channelData } = await decodePacket([{ data: new Uint8Array(0), codecFrames: [frame] }]);
      return channelData;
    },
    flush: async () => [],
    close: once(() => decoder.free()),
  };
}
