/** The microphone: samples as they come, as clean as the browser gives them. */
import type { Sound } from "../analysis/protocol.ts";
import workletUrl from "./recorder-worklet.ts?worker&url";

export const LONGEST_RECORDING = 60;

/** Why there is no recording, in a line for the visitor. */
function explained(error: unknown): Error {
  const { name, message } = error as DOMException;
  if (name === "NotAllowedError")
    return new Error("the microphone was not allowed; allow it in the browser's settings");
  if (name === "NotFoundError") return new Error("no microphone was found; plug one in, or drop a file instead");
  if (name === "NotReadableError") return new Error("the microphone is in use by another program; close it there");
  return new Error(`the microphone cannot be used (${message})`);
}

export class Recorder {
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  readonly #blocks: Float32Array[] = [];
  #length = 0;
  /** Told the loudest sample (0 to 1) of each block, about 20 times a second, and the seconds so far. */
  onBlock: (peak: number, seconds: number) => void = () => undefined;

  private constructor(stream: MediaStream, context: AudioContext) {
    this.#stream = stream;
    this.#context = context;
  }

  /** @throws Error in one line when there is no microphone or it is not allowed. */
  static async start(): Promise<Recorder> {
    if (!navigator.mediaDevices) throw new Error("the microphone needs a page loaded by https or from this machine");
    // what makes calls pleasant would change what the tokens hold
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio }).catch((error) => {
      throw explained(error);
    });
    const context = new AudioContext();
    const recorder = new Recorder(stream, context);
    try {
      await context.audioWorklet.addModule(workletUrl);
      const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
      node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => recorder.#take(data);
      context.createMediaStreamSource(stream).connect(node);
    } catch (error) {
      await recorder.stop();
      throw explained(error);
    }
    return recorder;
  }

  /** Lets go of the microphone. @returns what was recorded. */
  async stop(): Promise<Sound> {
    for (const track of this.#stream.getTracks()) track.stop();
    const { sampleRate } = this.#context;
    await this.#context.close();
    const samples = new Float32Array(this.#length);
    let at = 0;
    for (const block of this.#blocks) {
      samples.set(block, at);
      at += block.length;
    }
    return { samples, sampleRate };
  }

  #take(block: Float32Array): void {
    this.#blocks.push(block);
    this.#length += block.length;
    this.onBlock(
      block.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
      this.#length / this.#context.sampleRate,
    );
  }
}
