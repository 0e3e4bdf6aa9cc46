/**
 * AAC packets to samples. Browsers decode AAC themselves (WebCodecs); elsewhere our own decoder of the LC profile does,
 * which gives HE-AAC without the upper half of its band.
 */
import { LcDecoder } from "./aac/lc-decoder.ts";
import { checkLowComplexity, parseStreamConfig } from "./aac/stream-config.ts";
import type { PacketDecoder } from "./packet-decoder.ts";

/**
 * A decoder for the stream of the given AudioSpecificConfig. Its output lags by one packet, which holds no sound.
 * @throws AudioError when the config is damaged, or nothing here can decode its profile.
 */
export async function openAacDecoder(config: Uint8Array, name: string): Promise<PacketDecoder> {
  const parsed = parseStreamConfig(config, name);
  const { objectType, sampleRate, channels } = parsed;
  if (typeof AudioDecoder !== "undefined") {
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
  checkLowComplexity(parsed, name);
  const decoder = new LcDecoder(sampleRate);
  let started = false;
  return {
    sampleRate,
    numberOfChannels: channels,
    preSkip: 0,
    async decode(packet) {
      const block = decoder.decode(packet);
      if (started) return block;
      started = true;
      return [];
    },
    flush: async () => [],
    close() {},
  };
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
        // The first packet's output is the lag that our own decoder leaves out; without it, both agree.
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
