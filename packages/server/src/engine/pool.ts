/**
 * Engines behind one bounded queue. A job waits until an engine has a free place, is answered by its deadline whatever
 * happens, and an engine that does not come back from a job is replaced.
 *
 * Every clip is a job of its own: jobs of one request run side by side, and no clip's codes depend on another's.
 */
import { RequestError } from "../errors.ts";
import type { Control, Engine, ModelInfo } from "./engine.ts";

/** Jobs an engine is given at once: one in the network, one whose audio is being read meanwhile. */
const PLACES = 2;
/** Share of the deadline a job may spend waiting; the rest is for its work. */
const WAITING_SHARE = 0.8;
/** Milliseconds after a passed deadline until an engine that has not come back is given up. */
const GRACE = 10_000;
/** Milliseconds after which an engine that has answered no probe and ended no job is given up. */
const SILENCE = 60_000;
/** Milliseconds until a lost engine is loaded again; doubled while that fails, up to 30 s. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;

export interface PoolOptions {
  /** Makes engine `index`. */
  readonly create: (index: number) => Promise<Engine>;
  readonly workers: number;
  /** Jobs that may wait. */
  readonly queue: number;
  /** Seconds until a job is answered. */
  readonly deadline: number;
  /** Told of engines that ended or were replaced. */
  readonly onEvent?: ((event: "engine_lost" | "engine_stuck" | "engine_restored", detail: string) => void) | undefined;
}

export interface Ran<T> {
  readonly value: T;
  /** Seconds in the queue. */
  readonly queued: number;
  /** Seconds of work. */
  readonly ran: number;
}

type Work<T> = (engine: Engine, control: Control) => Promise<T>;

interface Job {
  readonly work: Work<unknown>;
  readonly since: number;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (ran: Ran<unknown>) => void;
  readonly reject: (error: unknown) => void;
  /** Ends the waiting: its time and its signal no longer count. */
  readonly begin: () => void;
  timer?: NodeJS.Timeout;
}

interface Place {
  readonly index: number;
  engine: Engine | undefined;
  running: number;
  streams: number;
  /** Jobs and probes that ended, to tell a busy engine from a stuck one. */
  ended: number;
}

export class EnginePool {
  readonly #options: PoolOptions;
  readonly #places: Place[] = [];
  readonly #waiting: Job[] = [];
  #closed = false;
  /** Mean seconds of the last jobs. */
  #mean = 0;
  #idle: (() => void)[] = [];

  private constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Loads all engines. @throws what the first that fails throws. */
  static async start(options: PoolOptions): Promise<EnginePool> {
    const pool = new EnginePool(options);
    const made = await Promise.allSettled(Array.from({ length: options.workers }, (_, index) => options.create(index)));
    const failed = made.find((m) => m.status === "rejected");
    if (failed) {
      await Promise.all(made.map((m) => m.status === "fulfilled" && m.value.close()));
      throw failed.reason;
    }
    for (const [index, result] of made.entries()) {
      const place: Place = { index, engine: undefined, running: 0, streams: 0, ended: 0 };
      pool.#places.push(place);
      pool.#seat(place, (result as PromiseFulfilledResult<Engine>).value);
    }
    return pool;
  }

  /** What the engines hold; all hold the same. */
  get info(): ModelInfo | undefined {
    return this.#places.find((p) => p.engine)?.engine?.info;
  }

  get ready(): boolean {
    return !this.#closed && this.#places.some((p) => p.engine);
  }

  /** Jobs waiting and jobs being worked on. */
  get load(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#waiting.length, running: this.#places.reduce((n, p) => n + p.running, 0) };
  }

  /** Seconds until a job given now would begin, by the last jobs. */
  get expectedWait(): number {
    const places = PLACES * Math.max(1, this.#places.filter((p) => p.engine).length);
    return (this.#mean * this.#waiting.length) / places;
  }

  /**
   * Refuses `jobs` more jobs where they do not fit in the queue, or would wait longer than they may.
   * @throws RequestError `not_ready` or `overloaded`.
   */
  admit(jobs: number): void {
    if (!this.ready) throw new RequestError("not_ready", "no engine is ready; try again later", { retryAfter: 5 });
    const free = this.#places.reduce((n, p) => n + (p.engine ? PLACES - p.running : 0), 0);
    const wait = this.expectedWait;
    if (this.#waiting.length + jobs <= this.#options.queue + free && wait <= WAITING_SHARE * this.#options.deadline)
      return;
    throw this.#overloaded(`${this.#waiting.length} clips wait already`);
  }

  /**
   * Runs work on the next free engine.
   * @throws RequestError `overloaded`, `not_ready`, `deadline_exceeded`; what the work throws; the signal's reason.
   */
  submit<T>(work: Work<T>, signal?: AbortSignal): Promise<Ran<T>> {
    return new Promise<Ran<T>>((resolve, reject) => {
      this.admit(1);
      signal?.throwIfAborted();
      const now = Date.now();
      const { deadline } = this.#options;
      const job: Job = {
        work,
        since: now,
        deadline: now + deadline * 1000,
        signal,
        resolve: resolve as (ran: Ran<unknown>) => void,
        reject,
        begin: () => {
          clearTimeout(job.timer);
          // a signal may outlive its job, and would keep it, its clip included
          signal?.removeEventListener("abort", gone);
        },
      };
      const leave = (error: unknown) => {
        const at = this.#waiting.indexOf(job);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        job.begin();
        reject(error);
        this.#settle();
      };
      const gone = () => leave(signal?.reason);
      job.timer = setTimeout(
        () => leave(this.#overloaded("the clip waited too long")),
        WAITING_SHARE * deadline * 1000,
      );
      signal?.addEventListener("abort", gone, { once: true });
      this.#waiting.push(job);
      this.#next();
    });
  }

  /** The engine with the fewest streams, kept until `release`. @throws RequestError `not_ready`. */
  lease(): { readonly engine: Engine; release(): void } {
    const places = this.#places.filter((p) => p.engine).sort((a, b) => a.streams - b.streams || a.running - b.running);
    const place = places[0];
    if (!place?.engine || this.#closed)
      throw new RequestError("not_ready", "no engine is ready; try again later", { retryAfter: 5 });
    const { engine } = place;
    place.streams++;
    let held = true;
    return {
      engine,
      release: () => {
        // the place of a replaced engine was emptied with it
        if (held && place.engine === engine) place.streams--;
        held = false;
      },
    };
  }

  /**
   * Runs a tiny job on every engine, past the queue. One that stays silent for a minute is replaced.
   * @returns for each engine whether it answered within `seconds`, or at least ended other work meanwhile.
   */
  async probe(work: (engine: Engine, control: Control) => Promise<unknown>, seconds: number): Promise<boolean[]> {
    return Promise.all(
      this.#places.map(async (place) => {
        const { engine } = place;
        if (!engine) return false;
        const before = place.ended;
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<boolean>((resolve) => {
          timer = setTimeout(() => resolve(place.ended > before), seconds * 1000);
        });
        // no job may be there by whose deadline a stuck engine is found out: a stream can be what it is stuck in
        const silent = setTimeout(() => place.ended === before && this.#giveUp(place, engine), SILENCE).unref();
        const answered = work(engine, { deadline: Date.now() + seconds * 1000 })
          .finally(() => clearTimeout(silent))
          .then(
            () => true,
            (error) => error instanceof RequestError && error.code === "deadline_exceeded" && place.ended > before,
          );
        return Promise.race([answered, late]).finally(() => clearTimeout(timer));
      }),
    );
  }

  /** Settles when nothing waits and nothing runs. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#settle();
    });
  }

  /** Refuses what waits and frees the engines. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) {
      job.begin();
      job.reject(new RequestError("not_ready", "the server is stopping; try another or later", { retryAfter: 10 }));
    }
    await Promise.all(this.#places.map((p) => p.engine?.close()));
    this.#settle();
  }

  #overloaded(why: string): RequestError {
    const retryAfter = Math.min(60, Math.max(1, Math.ceil(this.expectedWait)));
    return new RequestError("overloaded", `the server is busy: ${why}; try again in ${retryAfter} s`, { retryAfter });
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const free = this.#places
        .filter((p) => p.engine && p.running < PLACES)
        .sort((a, b) => a.running - b.running || a.streams - b.streams)[0];
      if (!free) return;
      void this.#run(free, free.engine as Engine, this.#waiting.shift() as Job);
    }
  }

  async #run(place: Place, engine: Engine, job: Job): Promise<void> {
    job.begin();
    place.running++;
    const begun = Date.now();
    let stuck: NodeJS.Timeout | undefined;
    job.timer = setTimeout(() => {
      job.reject(new RequestError("deadline_exceeded", `no result within ${this.#options.deadline} s; send less`));
      stuck = setTimeout(() => this.#giveUp(place, engine), GRACE);
    }, job.deadline - begun);
    try {
      const value = await job.work(engine, { deadline: job.deadline, signal: job.signal });
      const ran = (Date.now() - begun) / 1000;
      this.#mean = this.#mean === 0 ? ran : 0.9 * this.#mean + 0.1 * ran;
      job.resolve({ value, queued: (begun - job.since) / 1000, ran });
    } catch (error) {
      job.reject(error);
    } finally {
      clearTimeout(job.timer);
      clearTimeout(stuck);
      // the place of a replaced engine was emptied with it
      if (place.engine === engine) {
        place.running--;
        place.ended++;
      }
      this.#next();
      this.#settle();
    }
  }

  #seat(place: Place, engine: Engine): void {
    place.engine = engine;
    place.running = 0;
    place.streams = 0;
    void engine.lost?.then((error) => {
      if (place.engine !== engine || this.#closed) return;
      this.#options.onEvent?.("engine_lost", `engine ${place.index}: ${(error as Error)?.message ?? error}`);
      place.engine = undefined;
      void this.#restore(place, FIRST_DELAY);
    });
    this.#next();
  }

  #giveUp(place: Place, engine: Engine): void {
    if (place.engine !== engine || this.#closed) return;
    this.#options.onEvent?.("engine_stuck", `engine ${place.index} has not come back from a job`);
    place.engine = undefined;
    void engine.close().catch(() => undefined);
    void this.#restore(place, 0);
  }

  async #restore(place: Place, delay: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, delay).unref());
    if (this.#closed) return;
    try {
      const engine = await this.#options.create(place.index);
      if (this.#closed) return void engine.close();
      this.#options.onEvent?.("engine_restored", `engine ${place.index}`);
      this.#seat(place, engine);
    } catch (error) {
      this.#options.onEvent?.("engine_lost", `engine ${place.index}: ${(error as Error).message}`);
      void this.#restore(place, Math.min(LONGEST_DELAY, Math.max(FIRST_DELAY, 2 * delay)));
    }
  }

  #settle(): void {
    const { waiting, running } = this.load;
    if (waiting + running > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
