/**
 * AAC packets to samples. Browsers decode AAC themselves (WebCodecs); elsewhere the optional package
 * `@audio/decode-aac` (FAAD2 in WebAssembly) does. That package is under the GPL, so it is not a dependency of this
 * one: whoever wants AAC in Node installs it, and everybody else is told how.
 */
import { AudioError, messageOf } from "./errors.ts";
import { once } from "./opus-decoder.ts";
import type { PacketDecoder } from "./packet-decoder.ts";

const RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/** The AudioSpecificConfig (ISO/IEC 14496-3) of AAC-LC at a rate and channel count, for streams that carry none. */
export function audioSpecificConfig(sampleRate: number, channels: number): Uint8Array {
  const index = RATES.indexOf(sampleRate);
  if (index < 0) throw new AudioError(`AAC at ${sampleRate} Hz; expected one of ${RATES.join(", ")} Hz; convert it`);
  return Uint8Array.of((2 << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3));
}

interface AacConfig {
  objectType: number;
  sampleRate: number;
  channels: number;
}

function parseConfig(config: Uint8Array, name: string): AacConfig {
  const objectType = (config[0] ?? 0) >> 3;
  const index = (((config[0] ?? 0) & 7) << 1) | ((config[1] ?? 0) >> 7);
  const channels = ((config[1] ?? 0) >> 3) & 15;
  if (config.length < 2 || objectType === 0 || channels > 7 || (index >= RATES.length && index !== 15)) {
    throw new AudioError(`${name}: file is corrupt: a damaged AAC header; copy or encode it again`);
  }
  return { objectType, sampleRate: RATES[index] ?? 0, channels: channels === 7 ? 8 : channels };
}

/**
 * A decoder for the stream of the given AudioSpecificConfig. Its output lags by one packet, which holds no sound.
 * @throws AudioError when the config is damaged, or nothing here can decode AAC.
 */
export async function openAacDecoder(config: Uint8Array, name: string): Promise<PacketDecoder> {
  const parsed = parseConfig(config, name);
  const { objectType, sampleRate, channels } = parsed;
  if (typeof AudioDecoder !== "undefined" && sampleRate > 0) {
    const options = {
      codec: `mp4a.40.${objectType}`,
      sampleRate,
      numberOfChannels: channels,
      description: config,
    };
    if ((await AudioDecoder.isConfigSupported(options).catch(() => undefined))?.supported) {
      return new WebCodecsDecoder(options);
    }
  }
  return openFaad(config, parsed, name);
}

/**
 * A bare two-byte config of AAC-LC, with "no spectral band replication" said outright: FAAD would else assume it at
 * rates up to 24 kHz and double the rate of plain speech recordings. Streams that have it without saying so (HE-AAC in
 * ADTS) lose the replicated upper half of their band.
 */
function withoutImpliedSbr(config: Uint8Array): Uint8Array {
  return config.length === 2 && config[0]! >> 3 === 2 ? Uint8Array.of(...config, 0x56, 0xe5, 0x00) : config;
}

async function openFaad(config: Uint8Array, { sampleRate, channels }: AacConfig, name: string): Promise<PacketDecoder> {
  const library = await import("@audio/decode-aac").catch(() => undefined);
  if (!library) {
    throw new AudioError(
      `${name}: AAC audio, which nothing here can decode; install the optional package @audio/decode-aac (GPL-2.0), or convert the file, e.g. to wav`,
    );
  }
  try {
    const decoder = await library.decoder({ asc: withoutImpliedSbr(config) });
    return {
      sampleRate,
      numberOfChannels: channels,
      preSkip: 0,
      async decode(packet) {
        return decoder.decode([packet]).channelData;
      },
      flush: async () => [],
      close: once(() => decoder.free()),
    };
  } catch (error) {
    throw new AudioError(`${name}: file is corrupt: AAC cannot be decoded (${messageOf(error)}); encode it again`);
  }
}

/** The browser's own decoder, which gives samples when it likes: each call hands on what has come out so far. */
class WebCodecsDecoder implements PacketDecoder {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  readonly preSkip = 0;
  readonly #decoder: AudioDecoder;
  #ready: Float32Array[][] = [];
  #failure: unknown;
  #frame = 0;
  #first = true;

  constructor(config: AudioDecoderConfig) {
    this.sampleRate = config.sampleRate;
    this.numberOfChannels = config.numberOfChannels;
    this.#decoder = new AudioDecoder({
      output: (data) => {
        // The first packet's output is the lag that FAAD leaves out; without it, both decoders agree.
        if (!this.#first) this.#ready.push(planes(data));
        this.#first = false;
        data.close();
      },
      error: (error) => {
        this.#failure = error;
      },
    });
    this.#decoder.configure(config);
  }

  async decode(packet: Uint8Array): Promise<Float32Array[]> {
    // Only the order matters, so packets are numbered instead of timed.
    this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: this.#frame++, data: packet }));
    while (this.#decoder.decodeQueueSize > 16 && this.#failure === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return this.#take();
  }

  async flush(): Promise<Float32Array[]> {
    await this.#decoder.flush();
    return this.#take();
  }

  close(): void {
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }

  #take(): Float32Array[] {
    if (this.#failure !== undefined) throw this.#failure;
    const blocks = this.#ready;
    this.#ready = [];
    if (blocks.length <= 1) return blocks[0] ?? [];
    const length = blocks.reduce((n, block) => n + block[0]!.length, 0);
    return Array.from({ length: this.numberOfChannels }, (_, c) => {
      const out = new Float32Array(length);
      let at = 0;
      for (const block of blocks) {
        out.set(block[c]!, at);
        at += block[c]!.length;
      }
      return out;
    });
  }
}

function planes(data: AudioData): Float32Array[] {
  return Array.from({ length: data.numberOfChannels }, (_, planeIndex) => {
    const out = new Float32Array(data.numberOfFrames);
    data.copyTo(out, { planeIndex, format: "f32-planar" });
    return out;
  });
}
