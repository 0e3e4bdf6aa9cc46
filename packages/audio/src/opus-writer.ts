/**
 * Writing Opus in Ogg (RFC 7845), by libopus compiled to WebAssembly (package `opusscript`, loaded on first use). Node
 * only: the package reads its WebAssembly from the disk.
 */
import { checkFormat } from "./audio-stream.ts";
import type { AudioSink, AudioWriter } from "./audio-writer.ts";
import { AudioError } from "./errors.ts";
import { OggPages, segmentsOf } from "./ogg-pages.ts";
import { Resampler } from "./resample.ts";
import { int16Of } from "./sample-format.ts";

const RATE = 48_000;
/** 20 ms, the length libopus is tuned for. */
const FRAME = 960;
/** Samples by which libopus' encoder lags behind in its mode for audio: 2.5 ms of overlap and 4 ms of delay. */
const PRE_SKIP = 312;
/** Bits a second of each channel. */
const BIT_RATE = 64_000;
/** Packets of a page: a second, so that players seek quickly and little is spent on pages. */
const PAGE_PACKETS = 50;
/** Any number tells this stream from others in a file, of which there are none. */
const SERIAL = 1;
/** libopus' name of its mode for audio of any kind, OPUS_APPLICATION_AUDIO, and of the setting of the bit rate. */
const AUDIO = 2049;
const SET_BITRATE = 4002;

/**
 * The package's WebAssembly. Its own class keeps views of the memory, which are lost as soon as that grows, so what it
 * stands on is used: one place for samples and one for the packet, as all calls return at once.
 */
interface Libopus {
  readonly HEAPU8: Uint8Array;
  readonly HEAPU16: Uint16Array;
  _malloc(bytes: number): number;
  readonly OpusScriptHandler: {
    new (rate: number, channels: number, application: number): Handler;
    destroy_handler(handler: Handler): void;
  };
}

interface Handler {
  /** @param samples address of the bytes of 16-bit samples, each in two bytes. @returns bytes of the packet, or an error below 0. */
  _encode(samples: number, count: number, packet: number, frame: number): number;
  _encoder_ctl(setting: number, value: number): number;
}

interface Loaded {
  readonly libopus: Libopus;
  /** Where samples and packets are put. */
  readonly samples: number;
  readonly packet: number;
}

/** Bytes of the largest packet that is asked for. */
const MAX_PACKET = 4000;

let loading: Promise<Loaded> | undefined;

async function load(): Promise<Loaded> {
  // a name of its own: the package tells no types of this file
  const path = "opusscript/build/opusscript_native_wasm.js";
  const { default: start } = (await import(path)) as { readonly default: () => Libopus };
  const libopus = start();
  return { libopus, samples: libopus._malloc(FRAME * 2 * 2 * 2), packet: libopus._malloc(MAX_PACKET) };
}

/** An encoder of libopus, to be freed. */
class Encoder {
  readonly #loaded: Loaded;
  readonly #handler: Handler;
  #freed = false;

  constructor(loaded: Loaded, channels: number) {
    this.#loaded = loaded;
    this.#handler = new loaded.libopus.OpusScriptHandler(RATE, channels, AUDIO);
    this.#handler._encoder_ctl(SET_BITRATE, BIT_RATE * channels);
  }

  /** The packet of one frame of interleaved samples. */
  encode(frame: Int16Array): Uint8Array {
    const { libopus, samples, packet } = this.#loaded;
    const bytes = new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);
    libopus.HEAPU16.set(bytes, samples / 2);
    const length = this.#handler._encode(samples, bytes.length, packet, FRAME);
    if (length < 0) throw new Error(`libopus: error ${length}`);
    return libopus.HEAPU8.slice(packet, packet + length);
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#loaded.libopus.OpusScriptHandler.destroy_handler(this.#handler);
  }
}

/** "OpusHead" (RFC 7845, 5.1). */
function opusHead(channels: number, sampleRate: number): Uint8Array {
  const out = new Uint8Array(19);
  const view = new DataView(out.buffer);
  out.set(new TextEncoder().encode("OpusHead"));
  out[8] = 1;
  out[9] = channels;
  view.setUint16(10, PRE_SKIP, true);
  view.setUint32(12, sampleRate, true);
  // gain 0, mapping family 0
  return out;
}

/** "OpusTags" (RFC 7845, 5.2) without comments. */
function opusTags(): Uint8Array {
  const vendor = new TextEncoder().encode("universal-audio-tokenizer, libopus");
  const out = new Uint8Array(16 + vendor.length);
  out.set(new TextEncoder().encode("OpusTags"));
  new DataView(out.buffer).setUint32(8, vendor.length, true);
  out.set(vendor, 12);
  return out;
}

/** Writes Opus block by block; every block's packets leave with it, but for less than 20 ms. */
export class OpusWriter implements AudioWriter {
  readonly #sink: AudioSink;
  readonly #encoder: Encoder;
  readonly #resamplers: readonly Resampler[];
  readonly #pages = new OggPages(SERIAL);
  readonly #head: Uint8Array;
  /** Interleaved samples of the next frame. */
  readonly #frame: Int16Array;
  #held = 0;
  #packets: Uint8Array[] = [];
  /** Samples that packets hold so far, the encoder's lag included. */
  #encoded = 0;
  /** Samples at 48 kHz that came in. */
  #total = 0;
  #started = false;

  private constructor(sink: AudioSink, encoder: Encoder, sampleRate: number, channels: number) {
    this.#sink = sink;
    this.#encoder = encoder;
    this.#resamplers = Array.from({ length: channels }, () => new Resampler(sampleRate, RATE));
    this.#head = opusHead(channels, sampleRate);
    this.#frame = new Int16Array(FRAME * channels);
  }

  /** Free it by `close` or `abandon`. @throws AudioError for other than one or two channels. */
  static async open(sink: AudioSink, sampleRate: number, channels: number): Promise<OpusWriter> {
    checkFormat("opus output", sampleRate, channels);
    if (channels > 2) throw new AudioError(`opus output of ${channels} channels: expected 1 or 2; write flac or wav`);
    loading ??= load();
    return new OpusWriter(sink, new Encoder(await loading, channels), sampleRate, channels);
  }

  async write(channels: readonly Float32Array[]): Promise<void> {
    const length = channels[0]?.length;
    if (channels.length !== this.#resamplers.length || channels.some((c) => c.length !== length))
      throw new AudioError(`a block of ${channels.length} channels; expected ${this.#resamplers.length} of one length`);
    await this.#start();
    await this.#take(channels.map((channel, c) => this.#resamplers[c]!.push(channel)));
    await this.#flush();
  }

  async close(): Promise<void> {
    await this.#start();
    await this.#take(this.#resamplers.map((r) => r.flush()));
    const end = PRE_SKIP + this.#total;
    // silence behind the end brings out what the encoder lags behind; the last page tells where the end is
    while (this.#encoded < end) {
      this.#frame.fill(0, this.#held);
      await this.#encode();
    }
    await this.#sink.write(this.#pages.page(this.#packets, end, true));
    this.abandon();
  }

  /** Frees the encoder of a file that is not wanted any more. */
  abandon(): void {
    this.#encoder.free();
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.#sink.write(this.#pages.page([this.#head], 0));
    await this.#sink.write(this.#pages.page([opusTags()], 0));
  }

  async #take(channels: readonly Float32Array[]): Promise<void> {
    const count = channels.length;
    const length = channels[0]!.length;
    this.#total += length;
    for (let i = 0; i < length; i++) {
      // a full frame waits for the next sample, so that a packet is left for the last page
      if (this.#held === this.#frame.length) await this.#encode();
      for (let c = 0; c < count; c++) this.#frame[this.#held++] = int16Of(channels[c]![i]!);
    }
  }

  async #encode(): Promise<void> {
    const packet = this.#encoder.encode(this.#frame);
    const segments = this.#packets.reduce((n, p) => n + segmentsOf(p.length), segmentsOf(packet.length));
    if (this.#packets.length === PAGE_PACKETS || segments > 255) await this.#flush();
    this.#packets.push(packet);
    this.#encoded += FRAME;
    this.#held = 0;
  }

  async #flush(): Promise<void> {
    if (this.#packets.length === 0) return;
    const packets = this.#packets;
    this.#packets = [];
    await this.#sink.write(this.#pages.page(packets, this.#encoded));
  }
}
