/** Streams that are open: each holds an engine's attention for as long as its client likes, so their number is bounded. */
import { RequestError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import type { EnginePool } from "./pool.ts";

export class Streams {
  readonly #pool: EnginePool;
  readonly #most: number;
  #open = 0;
  #idle: (() => void)[] = [];

  constructor(pool: EnginePool, most: number) {
    this.#pool = pool;
    this.#most = most;
  }

  get count(): number {
    return this.#open;
  }

  /** @throws RequestError `overloaded` or `not_ready`. */
  open(): { readonly engine: Engine; release(): void } {
    if (this.#open >= this.#most)
      throw new RequestError("overloaded", `${this.#open} streams are open, the most this server takes; try later`, {
        retryAfter: 5,
      });
    const lease = this.#pool.lease();
    this.#open++;
    let held = true;
    return {
      engine: lease.engine,
      release: () => {
        if (!held) return;
        held = false;
        lease.release();
        this.#open--;
        if (this.#open === 0) for (const resolve of this.#idle.splice(0)) resolve();
      },
    };
  }

  /** Settles when none is open. */
  idle(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }
}
