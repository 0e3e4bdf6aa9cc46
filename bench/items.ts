/**
 * What is measured. Each item runs in a process of its own, so that its peak memory is its own: `prepare` is not timed,
 * the returned function is.
 */
import { fileURLToPath } from "node:url";

// the built library, as users run it: inference in a worker thread
const { AudioDecoder, AudioTokenizer } = (await import(
  new URL("../packages/codec/dist/node/index.js", import.meta.url).href
)) as typeof import("universal-audio-tokenizer");

export interface Item {
  readonly name: string;
  /** What it is compared with in the yardstick: the sum of items times weights. */
  readonly yardstick?: Readonly<Record<string, number>>;
  /** Models it needs, by name of models.ts. */
  readonly model: string;
  /** Run once, without a warm-up: for what takes minutes. */
  readonly once?: boolean;
  /** Runs before those that count; 1 by default. */
  readonly warmUps?: number;
  /** Not timed; the function it returns is. A number that it returns is reported instead of its time. */
  prepare(model: string): Promise<() => Promise<number | undefined>>;
}

/** Noise with the loudness of speech; what is in it does not change the time. */
function noise(seconds: number, sampleRate = 16000): { samples: Float32Array; sampleRate: number } {
  let state = 1;
  const samples = Float32Array.from({ length: seconds * sampleRate }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 0.1;
  });
  return { samples, sampleRate };
}

const codes = (n: number, size = 8192): Int32Array => Int32Array.from({ length: n }, (_, i) => (i * 2654435761) % size);

const tokenise = (
  name: string,
  model: string,
  seconds: number,
  dtype: "fp32" | "q8",
  yardstick?: Record<string, number>,
): Item => ({
  name,
  model,
  ...(yardstick && { yardstick }),
  async prepare(directory) {
    const tokenizer = await AudioTokenizer.fromPretrained(directory, { dtype, device: "cpu" });
    const audio = noise(seconds);
    return async () => {
      await tokenizer.encode(audio);
      return undefined;
    };
  },
});

const decode = (name: string, model: string, yardstick?: Record<string, number>): Item => ({
  name,
  model,
  ...(yardstick && { yardstick }),
  async prepare(directory) {
    const decoder = await AudioDecoder.fromPretrained(directory, { device: "cpu" });
    return async () => {
      await decoder.decode(codes(250));
      return undefined;
    };
  },
});

const load = (name: string, model: string, dtype: "fp32" | "q8"): Item => ({
  name,
  model,
  prepare: async (directory) => async () => {
    const tokenizer = await AudioTokenizer.fromPretrained(directory, { dtype, device: "cpu" });
    await tokenizer.dispose();
    return undefined;
  },
});

const train = (name: string, recompute: boolean): Item => ({
  name,
  model: "base",
  yardstick: { train: 1 },
  // the first updates touch the moments' memory for the first time
  warmUps: 3,
  prepare: async () => (await import("./training.ts")).trainingStep(4, recompute),
});

/** Work done for many clients ÷ what the library does alone on the same clips; details go to standard error. */
const serve = (clients: number): Item => ({
  name: `server: work with ${clients} clients ÷ offline`,
  model: "base",
  once: true,
  prepare: async (directory) => async () => (await import("./server.ts")).serverLoad(directory, clients),
});

/** What short clips would gain by running together. */
const batching = (count: number, seconds: number, threads: number): Item => ({
  name: `base: ${count} clips of ${seconds} s one by one ÷ in one batch, ${threads} ${threads === 1 ? "thread" : "threads"}`,
  model: "base",
  prepare: async (directory) => (await import("./batching.ts")).batchGain(directory, count, seconds, threads),
});

/** Share of codes that are those of `encode` when a sample clip is tokenised while it is heard. */
const live = (clip: string, lookAhead: number): Item => ({
  name: `base: live codes equal to offline, ${clip}, look-ahead ${lookAhead} s`,
  model: "base",
  once: true,
  async prepare(directory) {
    const tokenizer = await AudioTokenizer.fromPretrained(directory, { device: "cpu" });
    const file = fileURLToPath(new URL(`../models/samples/${clip}.flac`, import.meta.url));
    return async () => {
      const offline = (await tokenizer.encode(file)).clips[0]?.codes ?? new Int32Array(0);
      const codes: number[] = [];
      for await (const chunk of tokenizer.encodeLive(file, { lookAhead })) codes.push(...chunk.codes);
      return codes.filter((code, i) => code === offline[i]).length / offline.length;
    };
  },
});

export const ITEMS: readonly Item[] = [
  load("base: load", "base", "fp32"),
  tokenise("base: tokenise 10 s", "base", 10, "fp32"),
  tokenise("base: tokenise 30 s", "base", 30, "fp32", { base_late: 1 }),
  tokenise("base: tokenise 30 s, q8", "base", 30, "q8", { base_late: 1 }),
  decode("base: decode 10 s", "base"),
  {
    name: "base: first audio of a streamed decode",
    model: "base",
    async prepare(directory) {
      const decoder = await AudioDecoder.fromPretrained(directory, { device: "cpu" });
      return async () => {
        for await (const _ of decoder.decodeStream(codes(250), { blockSize: 25 })) break;
        return undefined;
      };
    },
  },
  {
    name: "base: streamed decode of 30 s, window 75 ÷ window 25",
    model: "base",
    async prepare(directory) {
      const decoder = await AudioDecoder.fromPretrained(directory, { device: "cpu" });
      const times = async (window: number) => {
        const start = performance.now();
        for await (const _ of decoder.decodeStream(codes(750), { blockSize: 25, window }));
        return performance.now() - start;
      };
      await times(75);
      return async () => {
        const [narrow, wide, narrowAgain, wideAgain] = [
          await times(25),
          await times(75),
          await times(25),
          await times(75),
        ];
        return (wide + wideAgain) / (narrow + narrowAgain);
      };
    },
  },
  ...[0.25, 0.5, 1, 2].flatMap((lookAhead) => ["speech", "music", "scene"].map((clip) => live(clip, lookAhead))),
  load("large-v3 geometry: load", "large-v3", "fp32"),
  load("large-v3 geometry: load, q8", "large-v3", "q8"),
  tokenise("large-v3 geometry: tokenise 10 s", "large-v3", 10, "fp32"),
  tokenise("large-v3 geometry: tokenise 30 s", "large-v3", 30, "fp32", { encoder: 1 }),
  tokenise("large-v3 geometry: tokenise 30 s, q8", "large-v3", 30, "q8", { encoder: 1 }),
  decode("published decoder geometry: decode 10 s", "published-decoder", { unet: 10, vocoder: 1 }),
  {
    name: "published decoder geometry: first streamed chunk of 25",
    model: "published-decoder",
    async prepare(directory) {
      const decoder = await AudioDecoder.fromPretrained(directory, { device: "cpu" });
      return async () => {
        for await (const _ of decoder.decodeStream(codes(250), { blockSize: 25 })) break;
        return undefined;
      };
    },
  },
  {
    name: "published decoder geometry: 60th chunk of 25 ÷ 10th, window 25",
    model: "published-decoder",
    once: true,
    async prepare(directory) {
      const decoder = await AudioDecoder.fromPretrained(directory, { device: "cpu" });
      return async () => {
        const times: number[] = [];
        let last = performance.now();
        for await (const _ of decoder.decodeStream(codes(25 * 62), { blockSize: 25, window: 25 })) {
          times.push(performance.now() - last);
          last = performance.now();
        }
        const median = (a: number[]) => a.sort((x, y) => x - y)[Math.floor(a.length / 2)] as number;
        // five chunks around each, so that one disturbed chunk does not decide
        return median(times.slice(57, 62)) / median(times.slice(7, 12));
      };
    },
  },
  ...[1, 2].flatMap((threads) => [0.5, 1, 2, 5].map((seconds) => batching(8, seconds, threads))),
  serve(1),
  serve(20),
  serve(200),
  train("base geometry: training step, 4 × 10 s", false),
  train("base geometry: training step, 4 × 10 s, recomputing", true),
  {
    name: "playground: 10 s of audio back, cold cache, Chromium on WASM",
    model: "base",
    once: true,
    async prepare() {
      const { coldRun } = await import("./playground.ts");
      return async () => {
        const { back, painted, frame95, frameMost } = await coldRun();
        const frames = `frames 95 % ${frame95.toFixed(0)} ms, at most ${frameMost.toFixed(0)} ms`;
        console.error(`playground: first paint ${painted.toFixed(2)} s, ${frames}`);
        return back;
      };
    },
  },
];
