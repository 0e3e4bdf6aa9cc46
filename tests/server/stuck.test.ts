/** An engine whose thread is caught in an endless loop: health says so, everybody is answered, and it is replaced. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThreadEngine } from "../../packages/server/src/engine/thread-engine.ts";
import { type RunningServer, startServer } from "../../packages/server/src/index.ts";

let server: RunningServer;
const events: string[] = [];

beforeAll(async () => {
  server = await startServer({
    model: "hanging",
    port: 0,
    workers: 2,
    limits: { deadline: 1 },
    createEngine: () =>
      startThreadEngine(new URL("hanging-engine.mjs", import.meta.url), { model: "hanging" }, () => undefined),
    log: (_, event) => events.push(event),
  });
});
afterAll(() => server.stop());

async function ask(audio: readonly number[]): Promise<number> {
  const response = await fetch(`${server.url}/v1/audio/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ audio: Buffer.from(audio).toString("base64") }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function health(): Promise<{ status: number; engines: boolean[]; seconds: number }> {
  const since = performance.now();
  const response = await fetch(`${server.url}/healthz`);
  const { engines } = (await response.json()) as { engines: boolean[] };
  return { status: response.status, engines, seconds: (performance.now() - since) / 1000 };
}

test("one engine of two is stuck", async () => {
  expect(await health()).toMatchObject({ status: 200, engines: [true, true] });
  const since = performance.now();
  const stuck = ask([0xee]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // some of these wait behind the clip that hangs
  const beside = await Promise.all(Array.from({ length: 12 }, () => ask([1])));
  expect(await stuck).toBe(504);
  expect(performance.now() - since).toBeLessThan(4000);
  expect(beside).toContain(200);
  expect(beside.filter((status) => ![200, 429, 504].includes(status))).toEqual([]);

  const { status, engines, seconds } = await health();
  expect([status, engines]).toEqual([503, [false, true]]);
  expect(seconds).toBeLessThan(11);

  // ten seconds after the deadline its thread is ended and another started
  for (let i = 0; !events.includes("engine_restored"); i++) {
    expect(i).toBeLessThan(100);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(events.filter((event) => event.startsWith("engine"))).toEqual(["engine_stuck", "engine_restored"]);
  expect(await Promise.all(Array.from({ length: 12 }, () => ask([1])))).toEqual(new Array(12).fill(200));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(await health()).toMatchObject({ status: 200, engines: [true, true] });
});
