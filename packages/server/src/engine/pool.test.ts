import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestError } from "../errors.ts";
import { Health } from "../routes/health.ts";
import type { Engine, ModelInfo, TokensResult } from "./engine.ts";
import { EnginePool, type PoolOptions } from "./pool.ts";

const info: ModelInfo = {
  id: "fake",
  codebookSize: 4,
  frameRate: 25,
  tokenizer: { runtime: "none", liveIsExact: true },
};
const RESULT: TokensResult = { codes: Int32Array.of(1), duration: 0.04, ties: 0 };

/** An engine whose jobs end when the test says so. */
class FakeEngine implements Engine {
  readonly info = info;
  readonly pending: { resolve: (r: TokensResult) => void; reject: (e: unknown) => void }[] = [];
  closed = false;
  lose: (why: unknown) => void = () => undefined;
  readonly lost = new Promise<unknown>((resolve) => {
    this.lose = resolve;
  });
  tokens(): Promise<TokensResult> {
    return new Promise((resolve, reject) => this.pending.push({ resolve, reject }));
  }
  decode(): Promise<never> {
    throw new Error("not asked for");
  }
  liveTokens(): never {
    throw new Error("not asked for");
  }
  liveAudio(): never {
    throw new Error("not asked for");
  }
  liveFile(): never {
    throw new Error("not asked for");
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

async function poolOf(options: Partial<PoolOptions> = {}) {
  const engines: FakeEngine[] = [];
  const events: string[] = [];
  const pool = await EnginePool.start({
    create: async () => {
      const engine = new FakeEngine();
      engines.push(engine);
      return engine;
    },
    workers: 1,
    queue: 3,
    deadline: 10,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const job = (signal?: AbortSignal) =>
    pool
      .submit((engine, control) => engine.tokens({} as never, control), signal)
      .then(
        (ran) => ran,
        (error: RequestError) => error,
      );
  return { pool, engines, events, job };
}

const settled = () => vi.advanceTimersByTimeAsync(0);
const code = (outcome: unknown) => (outcome as RequestError).code;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("two jobs run, as many wait as the queue holds, the next is refused with a time to come back", async () => {
  const { pool, engines, job } = await poolOf();
  const jobs = Array.from({ length: 5 }, () => job());
  expect(pool.load).toEqual({ waiting: 3, running: 2 });
  const refused = (await job()) as RequestError;
  expect([refused.status, refused.code]).toEqual([429, "overloaded"]);
  expect(refused.retryAfter).toBeGreaterThanOrEqual(1);
  for (let i = 0; i < 5; i++) {
    engines[0]!.pending[i]!.resolve(RESULT);
    await settled();
  }
  expect((await Promise.all(jobs)).every((outcome) => "value" in outcome)).toBe(true);
  expect(pool.load).toEqual({ waiting: 0, running: 0 });
});

test("all jobs of a request are admitted, or none", async () => {
  const { pool, job } = await poolOf();
  void job();
  expect(() => pool.admit(4)).not.toThrow();
  expect(() => pool.admit(5)).toThrow(/busy/);
});

test("an ended job leaves nothing of itself to a signal that goes on", async () => {
  vi.useRealTimers();
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { pool, engines } = await poolOf();
  const lasting = new AbortController();
  // of signals of this kind Node keeps those that are listened to
  const signal = AbortSignal.any([lasting.signal]);
  const clips = Array.from({ length: 3 }, () => {
    const audio = new Uint8Array(1000);
    void pool.submit((engine, control) => engine.tokens({ audio } as never, control), signal);
    return new WeakRef(audio);
  });
  // two run, the third waits for one of them
  for (let i = 0; i < 3; i++) {
    engines[0]?.pending[i]?.resolve(RESULT);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await pool.idle();
  for (let i = 0; i < 100 && clips.some((c) => c.deref()); i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  expect(clips.map((c) => c.deref())).toEqual([undefined, undefined, undefined]);
  expect(lasting.signal.aborted).toBe(false);
});

test("a job that waits too long is told to come back, one that runs too long passes its deadline", async () => {
  const { job } = await poolOf();
  const running = [job(), job()];
  const waiting = job();
  await vi.advanceTimersByTimeAsync(8001);
  expect(code(await waiting)).toBe("overloaded");
  await vi.advanceTimersByTimeAsync(2000);
  expect((await Promise.all(running)).map(code)).toEqual(["deadline_exceeded", "deadline_exceeded"]);
});

test("an engine that never comes back is replaced, and what waits runs on the new one", async () => {
  const { pool, engines, events, job } = await poolOf({ deadline: 60 });
  const stuck = job();
  void job();
  await vi.advanceTimersByTimeAsync(50_000);
  const waiting = job();
  await vi.advanceTimersByTimeAsync(20_001);
  expect(code(await stuck)).toBe("deadline_exceeded");
  expect(engines[0]?.closed).toBe(true);
  expect(engines).toHaveLength(2);
  engines[1]!.pending[0]!.resolve(RESULT);
  expect(await waiting).toMatchObject({ value: RESULT });
  expect(events).toEqual(["engine_stuck", "engine_restored"]);
  // a late answer of the old engine frees no place twice
  engines[0]!.pending[0]!.resolve(RESULT);
  await settled();
  expect(pool.load.running).toBe(0);
});

test("a lost engine is loaded again, later and later while that fails", async () => {
  let fail = 0;
  const engines: FakeEngine[] = [];
  const { pool, events } = await poolOf({
    create: async () => {
      if (fail-- > 0) throw new Error("no memory");
      const engine = new FakeEngine();
      engines.push(engine);
      return engine;
    },
  });
  fail = 2;
  engines[0]!.lose(new Error("died"));
  await settled();
  expect(pool.ready).toBe(false);
  expect(() => pool.admit(1)).toThrow(/no engine is ready/);
  await vi.advanceTimersByTimeAsync(499);
  expect(events).toEqual(["engine_lost"]);
  await vi.advanceTimersByTimeAsync(1 + 1000 + 2000);
  expect(events).toEqual(["engine_lost", "engine_lost", "engine_lost", "engine_restored"]);
  expect(pool.ready).toBe(true);
});

test("a client that has gone leaves the queue", async () => {
  const { pool, job } = await poolOf();
  void job();
  void job();
  const client = new AbortController();
  const waiting = job(client.signal);
  client.abort(new RequestError("timeout", "gone"));
  expect(code(await waiting)).toBe("timeout");
  expect(pool.load).toEqual({ waiting: 0, running: 2 });
});

test("idle settles with the last job", async () => {
  const { pool, engines, job } = await poolOf();
  const jobs = [job(), job(), job()];
  let idle = false;
  void pool.idle().then(() => {
    idle = true;
  });
  engines[0]!.pending[0]!.reject(new RequestError("invalid", "no"));
  engines[0]!.pending[1]!.resolve(RESULT);
  await settled();
  expect(idle).toBe(false);
  engines[0]!.pending[2]!.resolve(RESULT);
  await settled();
  expect(idle).toBe(true);
  expect((await Promise.all(jobs)).map(code)).toEqual(["invalid", undefined, undefined]);
});

test("closing refuses what waits and frees the engines", async () => {
  const { pool, engines, job } = await poolOf();
  const [, , third] = [job(), job(), job()];
  await pool.close();
  expect(code(await third)).toBe("not_ready");
  expect(engines[0]?.closed).toBe(true);
  expect(code(await job())).toBe("not_ready");
});

test("health is true when every engine answers, false while one is stuck, and asked at most once a second", async () => {
  const { pool, engines, job } = await poolOf({ workers: 2 });
  const health = new Health(() => pool, 5);
  const first = health.check();
  expect(health.check()).toBe(first);
  for (const engine of engines) engine.pending[0]!.resolve(RESULT);
  expect(await first).toEqual({ healthy: true, engines: [true, true] });
  expect(await health.check()).toEqual({ healthy: true, engines: [true, true] });
  expect(engines[0]!.pending).toHaveLength(1);

  await vi.advanceTimersByTimeAsync(1001);
  const second = health.check();
  engines[0]!.pending[1]!.resolve(RESULT);
  await vi.advanceTimersByTimeAsync(5001);
  expect(await second).toEqual({ healthy: false, engines: [true, false] });

  // busy is not stuck: a job that ended meanwhile shows that the engine works
  await vi.advanceTimersByTimeAsync(1001);
  const work = [job(), job()];
  const third = health.check();
  for (const engine of engines) engine.pending.at(-2)?.resolve(RESULT);
  await settled();
  await vi.advanceTimersByTimeAsync(5001);
  expect(await third).toEqual({ healthy: true, engines: [true, true] });
  for (const engine of engines) for (const p of engine.pending) p.resolve(RESULT);
  await Promise.all(work);
});

test("an engine that is stuck where no deadline finds it out is replaced after a minute of silence", async () => {
  const { pool, engines, events } = await poolOf({ workers: 2 });
  const health = new Health(() => pool, 5);
  const asked = health.check();
  engines[1]!.pending[0]!.resolve(RESULT);
  await vi.advanceTimersByTimeAsync(5001);
  expect(await asked).toEqual({ healthy: false, engines: [false, true] });
  await vi.advanceTimersByTimeAsync(54_000);
  expect(events).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(events).toEqual(["engine_stuck", "engine_restored"]);
  expect(engines[0]!.closed).toBe(true);
  const again = health.check();
  for (const engine of engines.slice(1)) engine.pending.at(-1)!.resolve(RESULT);
  expect(await again).toEqual({ healthy: true, engines: [true, true] });
});
