/**
 * Playback by Web Audio. The original and the decoded sound run side by side and are faded into each other, so that one
 * can change over while it plays.
 */
import type { Sound } from "../analysis/protocol.ts";

export type Side = "input" | "output";

const FADE = 0.015;
/** Of a single token: long enough that its ends do not click, short enough to leave its sound. */
const EDGE = 0.004;

interface Running {
  readonly sources: readonly AudioBufferSourceNode[];
  readonly gains: Readonly<Partial<Record<Side, GainNode>>>;
  /** Of the context's clock, when second 0 of the clip would have sounded. */
  readonly zero: number;
  readonly end: number;
}

export class Player {
  #context: AudioContext | undefined;
  readonly #buffers = new WeakMap<Sound, AudioBuffer>();
  #running: Running | undefined;
  /** Told when the sound has come to its end by itself. */
  onEnd: () => void = () => undefined;

  get playing(): boolean {
    return this.#running !== undefined;
  }

  /** Seconds of the clip that are heard now. */
  get position(): number {
    if (!this.#running || !this.#context) return 0;
    const heard = this.#context.currentTime - (this.#context.outputLatency || 0) - this.#running.zero;
    return Math.max(0, Math.min(this.#running.end, heard));
  }

  /** Plays from `start` to `end` (seconds), hearing `side`; the other side runs along silently. */
  play(sounds: Readonly<Partial<Record<Side, Sound>>>, side: Side, start: number, end: number): void {
    this.stop();
    const context = this.#open();
    const at = context.currentTime + 0.02;
    const sources: AudioBufferSourceNode[] = [];
    const gains: Partial<Record<Side, GainNode>> = {};
    for (const key of ["input", "output"] as const) {
      const sound = sounds[key];
      if (!sound) continue;
      const source = new AudioBufferSourceNode(context, { buffer: this.#bufferOf(sound, context) });
      const gain = new GainNode(context, { gain: key === side ? 1 : 0 });
      source.connect(gain).connect(context.destination);
      source.start(at, start, Math.max(0.01, end - start));
      sources.push(source);
      gains[key] = gain;
    }
    const running = { sources, gains, zero: at - start, end };
    this.#running = running;
    const last = sources.at(-1);
    if (last)
      last.onended = () => {
        if (this.#running !== running) return;
        this.#running = undefined;
        this.onEnd();
      };
  }

  /** Fades over to the other side. */
  hear(side: Side): void {
    const now = this.#context?.currentTime ?? 0;
    for (const [key, gain] of Object.entries(this.#running?.gains ?? {}))
      gain.gain.setTargetAtTime(key === side ? 1 : 0, now, FADE / 3);
  }

  stop(): void {
    const running = this.#running;
    this.#running = undefined;
    for (const source of running?.sources ?? []) source.stop();
  }

  /** A few milliseconds of a sound, once, above whatever else plays. Silent until the visitor has pressed something. */
  glimpse(sound: Sound, start: number, duration: number): void {
    if (!this.#context && !navigator.userActivation?.hasBeenActive) return;
    const context = this.#open();
    const gain = new GainNode(context, { gain: 0 });
    const source = new AudioBufferSourceNode(context, { buffer: this.#bufferOf(sound, context) });
    const at = context.currentTime + 0.005;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(1, at + EDGE);
    gain.gain.setValueAtTime(1, at + duration - EDGE);
    gain.gain.linearRampToValueAtTime(0, at + duration);
    source.connect(gain).connect(context.destination);
    source.start(at, start, duration);
  }

  #open(): AudioContext {
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    if (this.#context.state === "suspended") void this.#context.resume();
    return this.#context;
  }

  #bufferOf(sound: Sound, context: AudioContext): AudioBuffer {
    const known = this.#buffers.get(sound);
    if (known) return known;
    // rates outside of what browsers take (3 to 768 kHz) do not come here: files below are refused when read
    const buffer = context.createBuffer(1, Math.max(1, sound.samples.length), sound.sampleRate);
    buffer.copyToChannel(sound.samples as Float32Array<ArrayBuffer>, 0);
    this.#buffers.set(sound, buffer);
    return buffer;
  }
}
