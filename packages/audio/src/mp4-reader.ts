/**
 * MP4 and QuickTime files (m4a, mp4, mov), taken apart by `mediabunny` (loaded on first use), which also applies edit
 * lists and reads fragmented files; decoded by the codecs of this package.
 */
import { audioSpecificConfig } from "./aac/stream-config.ts";
import { openAacDecoder } from "./aac-decoder.ts";
import type { AudioStream } from "./audio-stream.ts";
import { type ByteSource, corrupt, nameOf, readFully, truncated } from "./byte-source.ts";
import { AudioError } from "./errors.ts";
import { openOpusDecoder } from "./opus-decoder.ts";
import type { PacketDecoder } from "./packet-decoder.ts";
import { damaged, timedStream } from "./timed-packets.ts";

/** Opens an MP4 file. @throws AudioError when it holds no audio known here, or is damaged. */
export async function openMp4(source: ByteSource): Promise<AudioStream> {
  const name = nameOf(source);
  await checkBoxes(source);
  const { CustomSource, EncodedPacketSink, Input, Logging, LogLevel, MP4, QTFF } = await import("mediabunny");
  // What it would print about odd files is reported once, as an error, by us.
  Logging.level = LogLevel.Silent;
  const input = new Input({
    formats: [MP4, QTFF],
    source: new CustomSource({
      getSize: () => source.size,
      read: (start, end) => readFully(source, start, end - start),
      handleUnhandledError: () => {},
    }),
  });
  try {
    const track = await input.getPrimaryAudioTrack();
    if (!track) throw new AudioError(`${name}: no audio track in it; expected one; give a file with sound`);
    const codec = await track.getCodec();
    const config = await track.getDecoderConfig();
    const duration = await track.getDurationFromMetadata();
    const sink = new EncodedPacketSink(track);
    return await timedStream(source, {
      container: "mp4",
      codec: codec ?? "unknown",
      ...(duration ? { duration } : {}),
      packets: () => sink.packets(),
      openDecoder: () => openDecoder(codec, config, name),
      close: () => input.dispose(),
    });
  } catch (error) {
    input.dispose();
    throw damaged(source, error);
  }
}

/** Walks the outermost boxes: one that reaches past the end means that the file was cut. */
async function checkBoxes(source: ByteSource): Promise<void> {
  let hasIndex = false;
  for (let at = 0; at < source.size; ) {
    const head = await readFully(source, at, 16);
    if (head.length < 8) throw truncated(source, `the MP4 box at byte ${at}`, at + 8);
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    let size = view.getUint32(0);
    const kind = String.fromCharCode(...head.subarray(4, 8));
    if (!/^[\x20-\x7e\xa9]{4}$/.test(kind)) throw corrupt(source, `no MP4 box at byte ${at}`);
    if (size === 1 && head.length >= 16) size = Number(view.getBigUint64(8));
    else if (size === 0) size = source.size - at;
    if (size < 8) throw corrupt(source, `an MP4 box of ${size} bytes at byte ${at}`);
    if (at + size > source.size) throw truncated(source, `the MP4 box "${kind}" at byte ${at}`, at + size);
    hasIndex ||= kind === "moov";
    at += size;
  }
  if (!hasIndex) throw truncated(source, 'the MP4 index ("moov" box)');
}

async function openDecoder(
  codec: string | null,
  config: AudioDecoderConfig | null,
  name: string,
): Promise<PacketDecoder> {
  const description = config?.description;
  const bytes = description instanceof Uint8Array ? description : undefined;
  if (codec === "aac" && config) {
    return openAacDecoder(bytes ?? audioSpecificConfig(config.sampleRate, config.numberOfChannels), name);
  }
  if (codec === "opus" && bytes) return openOpusDecoder(bytes, name);
  throw new AudioError(
    `${name}: audio codec ${codec ?? "unknown"} in MP4; expected AAC or Opus; convert it, e.g. to wav`,
  );
}
