/** Messages between the page and the worker that holds the networks. */

export type EngineDevice = "wasm" | "webgpu";

/** How the page was asked to compute: `auto` starts on WASM and moves to WebGPU when that is equal and faster. */
export type DeviceChoice = "auto" | EngineDevice;

export interface EngineInfo {
  readonly model: string;
  readonly device: EngineDevice;
  /** Threads of WASM; 1 in pages that are not isolated. */
  readonly threads: number;
  readonly codebookSize: number;
  /** Codes a second. */
  readonly frameRate: number;
  /** What makes the waveform. */
  readonly decoder: string;
}

export interface Tokens {
  readonly codes: Int32Array;
  /** γ of each code, where the model has a gate. */
  readonly gate: Float32Array | undefined;
  /** Seconds the network took. */
  readonly took: number;
}

export interface Waveform {
  readonly samples: Float32Array;
  readonly sampleRate: number;
  readonly took: number;
}

/** Where each code lies among all: its vector's three principal components. */
export interface CodeMap {
  /** [size, 3], each component between about -1 and 1. */
  readonly places: Float32Array;
  /** [size, 3], sRGB of 0 to 255: near vectors have like colours. */
  readonly colours: Uint8Array;
  /** Share of the variance along the first two components. */
  readonly explained: number;
  /** First eight hexadecimal digits of the SHA-256 of the vectors; undefined in pages not loaded securely. */
  readonly hash: string | undefined;
}

/** What became of WebGPU. */
export interface Upgrade {
  readonly device: EngineDevice;
  /** Why it is not used, or how much faster it is. */
  readonly reason: string;
}

export interface EngineCalls {
  load(model: string, device: DeviceChoice): EngineInfo;
  tokenize(samples: Float32Array, sampleRate: number): Tokens;
  decode(codes: Int32Array): Waveform;
  codeMap(): CodeMap;
  upgrade(): Upgrade;
}

export type CallName = keyof EngineCalls;

export interface Call {
  readonly id: number;
  readonly name: CallName | "cancel";
  readonly args: readonly unknown[];
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly id: number; readonly progress: Progress };

/** How far a call is. */
export interface Progress {
  readonly what: "download" | "prepare" | "decode";
  /** Bytes so far and in all, or shares of 1. */
  readonly done: number;
  readonly total: number;
}
