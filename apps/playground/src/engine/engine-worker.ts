/** The worker that holds the networks. Calls run one after the other; each may be cancelled while it waits or between steps. */
import { AudioDecoder, AudioTokenizer, type HubProgress } from "universal-audio-tokenizer";
import { codeColours } from "./code-colours.ts";
import { principalComponents, spread } from "./principal-components.ts";
import type {
  Call,
  CodeMap,
  DeviceChoice,
  EngineDevice,
  EngineInfo,
  Progress,
  Reply,
  Tokens,
  Upgrade,
  Waveform,
} from "./protocol.ts";
import { type Codec, compareCodecs } from "./self-test.ts";

const scope = globalThis as unknown as {
  postMessage(message: Reply, transfer?: Transferable[]): void;
  onmessage: (event: MessageEvent<Call>) => void;
};

interface Context {
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
}

let model = "";
let codec: (Codec & { device: EngineDevice }) | undefined;

/** One core is left to the page, so that it keeps drawing. */
const threads = (): number =>
  globalThis.crossOriginIsolated ? Math.max(1, Math.min(8, (navigator.hardwareConcurrency ?? 2) - 1)) : 1;

function loaded(): Codec & { device: EngineDevice } {
  if (!codec) throw new Error("the model is not loaded");
  return codec;
}

/** Both halves, side by side; `onBytes` hears of the bytes of all files together. */
async function openCodec(device: EngineDevice, onBytes?: (done: number, total: number) => void) {
  const files = new Map<string, { loaded: number; total: number }>();
  const progress_callback = ({ status, file = "", loaded = 0, total = 0 }: HubProgress) => {
    if (status !== "progress") return;
    files.set(file, { loaded, total });
    const sum = (key: "loaded" | "total") => [...files.values()].reduce((n, f) => n + f[key], 0);
    onBytes?.(sum("loaded"), sum("total"));
  };
  const options = { device, threads: threads(), progress_callback };
  const [tokenizer, decoder] = await Promise.allSettled([
    AudioTokenizer.fromPretrained(model, options),
    AudioDecoder.fromPretrained(model, options),
  ]);
  if (tokenizer.status === "rejected") throw tokenizer.reason;
  return { tokenizer: tokenizer.value, decoder: decoder.status === "fulfilled" ? decoder.value : decoder.reason };
}

async function load(given: string, choice: DeviceChoice, { progress }: Context): Promise<EngineInfo> {
  model = given;
  const device = choice === "webgpu" ? "webgpu" : "wasm";
  const { tokenizer, decoder } = await openCodec(device, (done, total) => progress({ what: "download", done, total }));
  if (!(decoder instanceof AudioDecoder)) throw decoder;
  progress({ what: "prepare", done: 0, total: 1 });
  codec = { tokenizer, decoder, device };
  const { codebookSize, frameRate } = tokenizer;
  return { model, device, threads: threads(), codebookSize, frameRate, decoder: decoder.kind };
}

async function tokenize(samples: Float32Array, sampleRate: number, { signal }: Context): Promise<Tokens> {
  const start = performance.now();
  const { clips } = await loaded().tokenizer.encode({ samples, sampleRate }, { signal });
  const [clip] = clips;
  return { codes: clip?.codes ?? new Int32Array(0), gate: clip?.gate, took: (performance.now() - start) / 1000 };
}

async function decode(codes: Int32Array, { signal, progress }: Context): Promise<Waveform> {
  const start = performance.now();
  const onProgress = (share: number) => progress({ what: "decode", done: share, total: 1 });
  const { waveform, sampleRate } = await loaded().decoder.decode(codes, { signal, onProgress });
  return { samples: waveform, sampleRate, took: (performance.now() - start) / 1000 };
}

async function codeMap(): Promise<CodeMap> {
  const { vectors, shape } = await loaded().tokenizer.codebook();
  const { scores, explained } = principalComponents(vectors, shape, 3);
  const digest = await globalThis.crypto?.subtle?.digest("SHA-256", vectors as Float32Array<ArrayBuffer>);
  const hash = digest && Array.from(new Uint8Array(digest, 0, 4), (b) => b.toString(16).padStart(2, "0")).join("");
  return {
    places: spread(scores, 3),
    colours: codeColours(scores),
    explained: (explained[0] ?? 0) + (explained[1] ?? 0),
    hash,
  };
}

interface Adapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean; readonly architecture?: string };
}

/** Why there is no graphics card to try, if so: one made of software is slower than WASM, and trying it takes minutes. */
async function noGraphicsCard(): Promise<string | undefined> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return "this browser offers no WebGPU adapter";
  const { info } = adapter;
  const isSoftware = adapter.isFallbackAdapter || info?.isFallbackAdapter || info?.architecture === "swiftshader";
  return isSoftware ? "the only WebGPU adapter is made of software" : undefined;
}

/** Moves to WebGPU where there is a graphics card that gives the same codes, sooner. */
async function upgrade(): Promise<Upgrade> {
  const before = loaded();
  const stay = (reason: string): Upgrade => ({ device: before.device, reason });
  const missing = await noGraphicsCard();
  if (missing) return stay(missing);
  let rival: Codec;
  try {
    const { tokenizer, decoder } = await openCodec("webgpu");
    if (!(decoder instanceof AudioDecoder)) throw decoder;
    rival = { tokenizer, decoder };
  } catch (error) {
    return stay((error as Error).message);
  }
  const { problem, speedup } = await compareCodecs(before, rival);
  const better = problem === undefined && speedup > 1;
  await inTurn(async () => {
    if (better) codec = { ...rival, device: "webgpu" };
    const { tokenizer, decoder } = better ? before : rival;
    await Promise.all([tokenizer.dispose(), decoder.dispose()]);
  });
  if (!better) return stay(problem ?? `WebGPU is ${(1 / speedup).toFixed(1)} times slower here`);
  return { device: "webgpu", reason: `equal to WASM and ${speedup.toFixed(1)} times as fast` };
}

const calls = { load, tokenize, decode, codeMap, upgrade } as unknown as Record<
  string,
  (...args: unknown[]) => Promise<unknown>
>;
const running = new Map<number, AbortController>();
let queue: Promise<unknown> = Promise.resolve();
const inTurn = (work: () => Promise<void>): Promise<void> => {
  const done = queue.then(work);
  queue = done.catch(() => undefined);
  return done;
};

async function answer({ id, name, args }: Call, controller: AbortController): Promise<void> {
  const context: Context = {
    signal: controller.signal,
    progress: (progress) => scope.postMessage({ id, progress }),
  };
  try {
    controller.signal.throwIfAborted();
    const result = await calls[name]?.(...args, context);
    scope.postMessage({ id, result });
  } catch (error) {
    scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  } finally {
    running.delete(id);
  }
}

scope.onmessage = ({ data }) => {
  if (data.name === "cancel") {
    running.get(data.id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(data.id, controller);
  // what is only tried must not make an edit wait
  if (data.name === "upgrade") void answer(data, controller);
  else void inTurn(() => answer(data, controller));
};
