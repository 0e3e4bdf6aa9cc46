/**
 * The frozen first layers of a tokeniser, run once a clip: their outputs are kept on disk, and training starts from
 * there. What a clip gives does not depend on its batch, since padding is masked, so outputs are kept clip by clip.
 */
import { createHash } from "node:crypto";
import {
  compile,
  float16ToFloat32,
  float32ToFloat16,
  Graph,
  type NumericArray,
  type Program,
  type Runtime,
  Scope,
} from "@uat/graph";
import { whisperVq } from "universal-audio-tokenizer/internal";
import type { Collate } from "../data/collate.ts";
import type { Example } from "../data/example.ts";
import { clipIdentity, FeatureCache } from "../data/feature-cache.ts";
import type { Batch } from "../data/loader.ts";
import type { PreparedClip } from "../data/prepare.ts";
import type { TokenizerConfig } from "../objectives/tokenizer.ts";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";

export interface PrefixCacheOptions {
  readonly runtime: Runtime;
  readonly config: TokenizerConfig;
  readonly parameters: ParameterArena;
  /** The last layer whose output is kept; 0: the convolutions. */
  readonly layers: number;
  /** Folder of the arrays. */
  readonly folder: string;
  /** Decides outputs beside the weights: how clips are prepared. */
  readonly preparation: string;
  /** Whether clips are prepared with a changed copy, which then follows each of them. */
  readonly copies: boolean;
  /** Tensors of a clip, with time as their last axis, that the losses need as well. */
  readonly extras: readonly string[];
}

/** What the network is given in place of features: outputs of the last cached layer, and of the residual's source. */
const PLACES = ["hidden", "low"] as const;
type Place = (typeof PLACES)[number];

/** Before the names of a copy's arrays. */
const COPY = "copy ";

/** Real frames of a clip, as two numbers that half precision holds exactly. */
const FRAMES = "frames";
const frameCount = ({ data }: NumericArray): number => 64 * (data[0] as number) + (data[1] as number);

export class PrefixCache {
  readonly #cache: FeatureCache;
  readonly #program: Program;
  readonly #places: readonly Place[];
  readonly #config: TokenizerConfig;
  readonly #layers: number;
  readonly #extras: readonly string[];
  readonly #copies: boolean;
  /** Identities of clips that are on their way to a batch. */
  readonly #pending = new Map<string, string>();

  private constructor(
    cache: FeatureCache,
    program: Program,
    places: readonly Place[],
    { config, layers, extras, copies }: PrefixCacheOptions,
  ) {
    this.#copies = copies;
    this.#extras = extras;
    this.#layers = layers;
    this.#cache = cache;
    this.#program = program;
    this.#places = places;
    this.#config = config;
  }

  static async open(options: PrefixCacheOptions): Promise<PrefixCache> {
    const { runtime, config, parameters, layers, folder, preparation } = options;
    const graph = new Graph("tokenizer_prefix");
    const p = new Scope(graph, parameters.source).at("model", "encoder");
    const taps = whisperVq(graph, p, config, { depth: "codes" });
    const source = config.encoder_residual_source_position;
    const target = config.encoder_residual_target_position;
    const keepsLow = source !== null && target !== null && source < layers && target > layers;
    const hidden = taps[`state${layers}`];
    if (!hidden) throw new Error(`no output after layer ${layers}`);
    graph.outputs = { hidden, ...(keepsLow && { low: taps[`low${layers}`] }) } as typeof graph.outputs;
    const program = await compile(runtime, graph);
    const key = createHash("sha256").update(JSON.stringify([config, layers, preparation, options.extras]));
    for (const name of [...graph.parameters.keys()].sort()) {
      if (!isPrefix(name, layers)) continue;
      const { buffer, byteOffset, byteLength } = parameters.view(name);
      key.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    const cache = await FeatureCache.open(folder, key.digest("hex"));
    return new PrefixCache(cache, program, keepsLow ? PLACES : ["hidden"], options);
  }

  /** What the loader need not prepare: see `known` of its options. */
  readonly known = async (example: Example): Promise<PreparedClip | undefined> => {
    const identity = await clipIdentity(example);
    const tensors: Record<string, NumericArray> = {};
    for (const part of [...this.#parts, ...this.#extras, FRAMES]) {
      const array = await this.#cache.get(`${identity} ${part}`);
      if (!array) {
        this.#pending.set(example.id, identity);
        return undefined;
      }
      tensors[part] = array;
    }
    return { tensors, length: 0, speed: 1 };
  };

  /** Wraps a collation of features: rows that are known stay apart until `complete`. */
  collate(inner: Collate, labels: Collate): Collate {
    return (items) => {
      const tensors: Record<string, NumericArray> = { ...labels(items) };
      for (const [row, item] of items.entries()) {
        const known = item.tensors[FRAMES] !== undefined;
        // one clip alone, so that its outputs depend on nothing else
        const own: Readonly<Record<string, NumericArray>> = known ? item.tensors : inner([item]);
        for (const [name, tensor] of Object.entries(own)) tensors[`${row} ${name}`] = tensor;
      }
      return tensors;
    };
  }

  /** The tensors of a batch as the network takes them; clips that are not kept yet are run and kept. */
  async complete({ ids, tensors }: Batch): Promise<Record<string, NumericArray>> {
    const rows: Record<string, NumericArray>[] = [];
    for (const [row, id] of ids.entries()) {
      const own: Record<string, NumericArray> = {};
      for (const [name, tensor] of Object.entries(tensors))
        if (name.startsWith(`${row} `)) own[name.slice(`${row} `.length)] = tensor;
      const kept = own[FRAMES] ? own : await this.#compute(id, own);
      rows.push(kept);
      if (this.#copies)
        rows.push({ ...kept, ...Object.fromEntries(this.#places.map((place) => [place, kept[`${COPY}${place}`]!])) });
    }
    const framesPerToken = 2 * this.#kernel;
    const counts = rows.map((row) => frameCount(row[FRAMES] as NumericArray));
    const tokens = Math.ceil(Math.max(...counts) / framesPerToken);
    const out: Record<string, NumericArray> = Object.fromEntries(
      Object.entries(tensors).filter(([name]) => !/^\d+ /.test(name)),
    );
    for (const place of this.#places) {
      const size = tokens * this.#positionsPerToken * this.#config.d_model;
      const data = new Float32Array(rows.length * size);
      for (const [i, row] of rows.entries()) data.set((row[place] as NumericArray).data as Float32Array, i * size);
      out[place] = { data, shape: [rows.length, size / this.#config.d_model, this.#config.d_model] };
    }
    const frames = framesPerToken * tokens;
    for (const name of this.#extras) {
      const kept = rows.map((row) => row[name] as NumericArray);
      out[name] = stretched(kept, frames);
    }
    const mask = new Int32Array(rows.length * frames);
    for (const [i, count] of counts.entries()) mask.fill(1, i * frames, i * frames + count);
    out.attention_mask = { data: mask, shape: [rows.length, frames] };
    return out;
  }

  async #compute(id: string, own: Readonly<Record<string, NumericArray>>): Promise<Record<string, NumericArray>> {
    const { input_features, attention_mask } = own as Record<"input_features" | "attention_mask", NumericArray>;
    const results = await this.#program.run({ input_features, attention_mask });
    const most = attention_mask.shape[1] as number;
    const frames = attention_mask.data.indexOf(0 as never);
    const real = frames < 0 ? most : Math.min(frames, most);
    const d = this.#config.d_model;
    const kept: Record<string, NumericArray> = {
      [FRAMES]: { data: Float32Array.of(Math.floor(real / 64), real % 64), shape: [2] },
    };
    // as they will be read later: a run must not depend on what was kept before it
    const rounded = (data: Float32Array) => float16ToFloat32(float32ToFloat16(data));
    const positions = Math.ceil(real / (2 * this.#kernel)) * this.#positionsPerToken;
    for (const [i, part] of this.#parts.entries()) {
      // original and copy are the two rows of one run
      const { data, shape } = results[part.replace(COPY, "")] as NumericArray;
      const from = i < this.#places.length ? 0 : (shape[1] as number) * d;
      kept[part] = {
        data: rounded((data as Float32Array).subarray(from, from + positions * d)),
        shape: [positions, d],
      };
    }
    for (const name of this.#extras) {
      const { data, shape } = (this.#copies ? own[name.replace("input_", "target_")] : own[name]) as NumericArray;
      const first = (data as Float32Array).subarray(0, data.length / (shape[0] as number));
      kept[name] = { data: rounded(first), shape: shape.slice(1) };
    }
    const identity = this.#pending.get(id);
    this.#pending.delete(id);
    if (identity !== undefined)
      for (const [part, { data, shape }] of Object.entries(kept).reverse())
        await this.#cache.append(`${identity} ${part}`, data as Float32Array, shape);
    return kept;
  }

  /** Arrays of the network: of a clip, and of its copy. */
  get #parts(): string[] {
    return [...this.#places, ...(this.#copies ? this.#places.map((place) => `${COPY}${place}`) : [])];
  }

  get #kernel(): number {
    return this.#config.pooling_kernel_size ?? 1;
  }

  /** Positions of an array for each token: 1 after pooling, the pooling's kernel before. */
  get #positionsPerToken(): number {
    return this.#config.pooling_position <= this.#layers ? 1 : this.#kernel;
  }

  async dispose(): Promise<void> {
    await this.#cache.close();
    await this.#program.dispose();
  }
}

/** Arrays [..., time] as one [rows, ..., frames]: cut, or carried on by their last values, which are those of silence. */
function stretched(arrays: readonly NumericArray[], frames: number): NumericArray {
  const [first] = arrays as readonly [NumericArray];
  const lines = first.shape.slice(0, -1).reduce((p, d) => p * d, 1);
  const data = new Float32Array(arrays.length * lines * frames);
  for (const [i, array] of arrays.entries()) {
    const time = array.shape.at(-1) as number;
    for (let line = 0; line < lines; line++) {
      const own = (array.data as Float32Array).subarray(line * time, (line + 1) * time);
      const at = (i * lines + line) * frames;
      data.set(own.subarray(0, frames), at);
      if (time < frames) data.fill(own[time - 1] as number, at + time, at + frames);
    }
  }
  return { data, shape: [arrays.length, ...first.shape.slice(0, -1), frames] };
}

/** Whether a parameter of the encoder lies in the convolutions or the first `layers` layers. */
function isPrefix(name: string, layers: number): boolean {
  const [, index] = /^model\.encoder\.layers\.(\d+)\./.exec(name) ?? [];
  return index !== undefined ? Number(index) < layers : /^model\.encoder\.(conv\d|embed_positions)\./.test(name);
}
