/**
 * A grammar over bytes as one over tokens. Whatever the decoder's likelihoods are, only tokens are taken after which an
 * answer can still be written; among them the likeliest. So every answer is in its form, while its values are the
 * model's, and tokens that reach over the border of a value are those the model has learned.
 */
import type { ByteState } from "./byte-grammar.ts";

/** The tokens that may come next. */
interface Candidates {
  readonly ids: Int32Array;
  /** Number of the state after each. */
  readonly next: Int32Array;
}

const END = -1;

export class TokenAutomaton {
  readonly #states: readonly ByteState[];
  readonly #numbers: ReadonlyMap<ByteState, number>;
  readonly #byFirst: readonly (readonly number[])[];
  readonly #bytes: readonly (Uint8Array | undefined)[];
  readonly #end: number;
  readonly #candidates: (Candidates | undefined)[] = [];
  /** Tokens from each state to the end of the shortest answer, the end token among them. */
  readonly #distances: Int32Array;

  /**
   * @param start the grammar's first state.
   * @param bytes of each token; undefined for those that are no text, which are never taken.
   * @param end id of the token that ends an answer.
   */
  constructor(start: ByteState, bytes: readonly (Uint8Array | undefined)[], end: number) {
    const numbers = new Map<ByteState, number>([[start, 0]]);
    for (const state of numbers.keys())
      for (const next of state.successors()) if (!numbers.has(next)) numbers.set(next, numbers.size);
    this.#states = [...numbers.keys()];
    this.#numbers = numbers;
    this.#bytes = bytes;
    this.#end = end;
    const byFirst: number[][] = Array.from({ length: 256 }, () => []);
    for (const [id, token] of bytes.entries())
      if (token !== undefined && token.length > 0) byFirst[token[0] as number]?.push(id);
    this.#byFirst = byFirst;
    this.#distances = this.#shortest();
  }

  /** The state in which every answer begins. */
  readonly start = 0;

  /** Fewest tokens that an answer still needs in a state, its end token among them; Infinity where none can be written. */
  distance(state: number): number {
    const distance = this.#distances[state] as number;
    return distance < 0 ? Number.POSITIVE_INFINITY : distance;
  }

  /** Whether an answer may end here. */
  isFinal(state: number): boolean {
    return this.#states[state]?.final ?? false;
  }

  /**
   * The likeliest token.
   * @param logits of every token.
   * @param left how many tokens may still be written, this one among them; at least distance(state).
   * @param hurry takes only tokens that bring the end nearer.
   * @returns its id and the state after it; undefined when it is the end token.
   */
  choose(
    logits: ArrayLike<number>,
    state: number,
    left: number,
    hurry = false,
  ): { readonly id: number; readonly state: number } | undefined {
    const { ids, next } = this.#candidatesOf(state);
    const farthest = Math.min(left - 1, hurry ? this.distance(state) - 1 : Number.POSITIVE_INFINITY);
    let best = -1;
    let value = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < ids.length; i++) {
      const logit = logits[ids[i] as number] as number;
      if (logit <= value && best >= 0) continue;
      const after = next[i] as number;
      if ((after === END ? 0 : this.distance(after)) > farthest) continue;
      best = i;
      value = logit;
    }
    if (best < 0) throw new RangeError(`no answer can be written within ${left} tokens`);
    return next[best] === END ? undefined : { id: ids[best] as number, state: next[best] as number };
  }

  #candidatesOf(state: number): Candidates {
    const known = this.#candidates[state];
    if (known) return known;
    const from = this.#states[state] as ByteState;
    const ids: number[] = [];
    const next: number[] = [];
    for (let first = 0; first < 256; first++) {
      if (from.after(first) === undefined) continue;
      for (const id of this.#byFirst[first] as readonly number[]) {
        let to: ByteState | undefined = from;
        for (const byte of this.#bytes[id] as Uint8Array) if ((to = to.after(byte)) === undefined) break;
        if (to === undefined) continue;
        ids.push(id);
        next.push(this.#numbers.get(to) as number);
      }
    }
    if (from.final) {
      ids.push(this.#end);
      next.push(END);
    }
    return (this.#candidates[state] = { ids: Int32Array.from(ids), next: Int32Array.from(next) });
  }

  /** Breadth first from the end; −1 where no answer can be written. */
  #shortest(): Int32Array {
    const before: Set<number>[] = this.#states.map(() => new Set());
    const distances = new Int32Array(this.#states.length).fill(-1);
    let reached: number[] = [];
    for (const state of this.#states.keys()) {
      if (this.#states[state]?.final) {
        distances[state] = 1;
        reached.push(state);
      }
      for (const next of this.#candidatesOf(state).next) if (next !== END) before[next]?.add(state);
    }
    for (let distance = 2; reached.length > 0; distance++) {
      const farther: number[] = [];
      for (const state of reached)
        for (const earlier of before[state] as Set<number>)
          if (distances[earlier] === -1) {
            distances[earlier] = distance;
            farther.push(earlier);
          }
      reached = farther;
    }
    return distances;
  }
}
