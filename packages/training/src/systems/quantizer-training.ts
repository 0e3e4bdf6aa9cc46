/** The codebook of a tokeniser in training: moving averages fed by every step, or trained by gradients. */
import type { NumericArray } from "@uat/graph";
import type { LossResult } from "../engine/loss-program.ts";
import type { Collective } from "../loop/collective.ts";
import { MovingCodebook, sumByCode, UsageMonitor } from "../objectives/moving-codebook.ts";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";
import type { Random } from "../random.ts";

export interface QuantizerConfig {
  readonly quantize_vocab_size: number | null;
  readonly quantize_ema_decay: number | null;
  readonly quantize_restart_interval?: number | null;
}

/** Names below `model.encoder`, as upstream's checkpoints have them. */
const PREFIX = "model.encoder.";
export const CODEBOOK = `${PREFIX}codebook.weight`;
const COUNTS = `${PREFIX}ema_count`;
const SUMS = `${PREFIX}ema_weight`;
const RECENT = `${PREFIX}codebook_used`;
/** Tensors of the quantiser that no optimiser trains. */
export const QUANTIZER_BUFFERS: readonly string[] = [COUNTS, SUMS, RECENT];

export class QuantizerTraining {
  readonly #arena: ParameterArena;
  readonly #size: number;
  readonly #moving: MovingCodebook | undefined;
  readonly #usage: UsageMonitor;

  private constructor(arena: ParameterArena, size: number, usage: UsageMonitor, moving: MovingCodebook | undefined) {
    this.#arena = arena;
    this.#size = size;
    this.#usage = usage;
    this.#moving = moving;
  }

  /**
   * @param arena holds the codebook and, with moving averages, counts and sums.
   * @param updates updates of the codebook so far.
   */
  static create(arena: ParameterArena, c: QuantizerConfig, state?: QuantizerState): QuantizerTraining {
    const size = c.quantize_vocab_size as number;
    const usage = new UsageMonitor(size, state?.recent);
    if (c.quantize_ema_decay === null) return new QuantizerTraining(arena, size, usage, undefined);
    const moving = new MovingCodebook(
      { codes: arena.view(CODEBOOK), counts: arena.view(COUNTS), sums: arena.view(SUMS), updates: state?.updates ?? 0 },
      { decay: c.quantize_ema_decay, restartInterval: c.quantize_restart_interval ?? null },
    );
    return new QuantizerTraining(arena, size, usage, moving);
  }

  /** Takes a step's frames and codes in. @returns metrics. */
  async update(
    results: readonly QuantizedBatch[],
    collective: Collective,
    random: Random,
  ): Promise<Record<string, number>> {
    const { frames, codes } = joined(results);
    const { counts, sums } = sumByCode(frames, codes, this.#size);
    await collective.sum(counts, sums);
    for (const part of await collective.exchange(codes)) this.#usage.add(part);
    const metrics: Record<string, number> = { codebook_usage: this.#usage.usage };
    if (!this.#moving) return { ...metrics, codebook_active: counts.filter((n) => n > 0).length };
    const { active, restarted } = this.#moving.update(counts, sums, frames, random);
    // restarts draw from a process's own frames: those of rank 0 count
    if (restarted > 0) await collective.broadcast(this.#moving.codes, this.#moving.counts, this.#moving.sums);
    return { ...metrics, codebook_active: active, codebook_restarted: restarted };
  }

  /** Gives every code a random frame, as a codebook without values starts best. */
  async start(results: readonly QuantizedBatch[], collective: Collective, random: Random): Promise<void> {
    const { frames, codes } = joined(results);
    const book = this.#arena.view(CODEBOOK);
    const d = book.length / this.#size;
    for (let k = 0; k < this.#size && codes.length > 0; k++) {
      const drawn = random.below(codes.length);
      for (let j = 0; j < d; j++) {
        // a little noise tells copies of one frame apart
        book[k * d + j] = (frames[drawn * d + j] as number) * (1 + 1e-3 * random.normal());
      }
    }
    if (this.#moving) {
      this.#moving.sums.set(book);
      this.#moving.counts.fill(1);
    }
    await collective.broadcast(...[book, this.#moving?.sums, this.#moving?.counts].filter((a) => a !== undefined));
  }

  get state(): QuantizerState {
    return { updates: this.#moving?.updates ?? 0, recent: this.#usage.recent };
  }
}

/** What a checkpoint holds beside the tensors. */
export interface QuantizerState {
  readonly updates: number;
  readonly recent: Int32Array;
}

/** The real frames of a batch [n, d] and their codes [n]. */
export interface QuantizedBatch {
  readonly frames: Float32Array;
  readonly codes: Int32Array;
}

/** Picks the real positions out of a step's outputs `searched` and `codes`. */
export function quantizedBatch({ outputs }: LossResult, mask: NumericArray): QuantizedBatch {
  const { data, shape } = outputs.searched as NumericArray;
  const [batch, tokens, d] = shape as [number, number, number];
  const all = (outputs.codes as NumericArray).data as BigInt64Array;
  const step = (mask.shape[1] as number) / tokens;
  const real: number[] = [];
  for (let row = 0; row < batch; row++)
    for (let t = 0; t < tokens; t++)
      if (mask.data[row * (mask.shape[1] as number) + t * step] !== 0) real.push(row * tokens + t);
  const frames = new Float32Array(real.length * d);
  for (const [i, at] of real.entries()) frames.set((data as Float32Array).subarray(at * d, (at + 1) * d), i * d);
  return { frames, codes: Int32Array.from(real, (at) => Number(all[at])) };
}

function joined(batches: readonly QuantizedBatch[]): QuantizedBatch {
  if (batches.length === 1) return batches[0] as QuantizedBatch;
  const frames = new Float32Array(batches.reduce((n, b) => n + b.frames.length, 0));
  const codes = new Int32Array(batches.reduce((n, b) => n + b.codes.length, 0));
  let at = 0;
  let row = 0;
  for (const b of batches) {
    frames.set(b.frames, at);
    codes.set(b.codes, row);
    at += b.frames.length;
    row += b.codes.length;
  }
  return { frames, codes };
}
