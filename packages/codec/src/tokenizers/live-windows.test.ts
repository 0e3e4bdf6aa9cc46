import { expect, test } from "vitest";
import { type LiveWindow, liveWindows } from "./live-windows.ts";
import { PIECE_SAMPLES } from "./segments.ts";

const STRIDE = 640;

/** A ramp cut into blocks of `size` samples: every sample says where it lies. */
async function* ramp(length: number, size: number): AsyncGenerator<Float32Array> {
  for (let at = 0; at < length; at += size)
    yield Float32Array.from({ length: Math.min(size, length - at) }, (_, i) => at + i + 1);
}

async function windows(length: number, options: { chunk: number; context: number; ahead: number }, size = 1000) {
  const heardFor = (end: number) => Math.min(end * STRIDE + options.ahead, PIECE_SAMPLES);
  const all: LiveWindow[] = [];
  for await (const w of liveWindows(ramp(length, size), { stride: STRIDE, ...options, heardFor })) all.push(w);
  return all;
}

test.each([1, 639, 640, 641, 6400, 100_000, PIECE_SAMPLES, PIECE_SAMPLES + 1, 2 * PIECE_SAMPLES + 12_345])(
  "%i samples give as many tokens as offline, and all of the audio",
  async (length) => {
    for (const options of [
      { chunk: 25, context: 750, ahead: 8000 },
      { chunk: 7, context: 20, ahead: 0 },
    ]) {
      const all = await windows(length, options);
      const pieces = Math.floor((length - 1) / PIECE_SAMPLES);
      const last = length - pieces * PIECE_SAMPLES;
      const tokens = pieces * (PIECE_SAMPLES / STRIDE) + Math.ceil(last / STRIDE);
      expect(all.reduce((n, w) => n + w.take, 0)).toBe(tokens);
      expect(all.reduce((n, w) => n + w.duration, 0)).toBe(length);
      expect(all.every((w) => w.take > 0 && w.take <= options.chunk && w.skip <= options.context)).toBe(true);
    }
  },
);

test("a window begins its context before the chunk and ends its look-ahead after it", async () => {
  const all = await windows(100_000, { chunk: 10, context: 20, ahead: 3200 });
  const [first, , third, fourth] = all as [LiveWindow, LiveWindow, LiveWindow, LiveWindow];
  expect([first.skip, first.take, first.samples[0], first.valid]).toEqual([0, 10, 1, 10 * STRIDE + 3200]);
  expect([third.skip, third.samples[0]]).toEqual([20, 1]);
  expect([fourth.skip, fourth.samples[0], fourth.valid]).toEqual([20, 10 * STRIDE + 1, 30 * STRIDE + 3200]);
});

test("the length of the blocks does not matter", async () => {
  const options = { chunk: 25, context: 100, ahead: 1600 };
  // a ramp's window is told by its ends
  const ends = (all: LiveWindow[]) => all.map((w) => ({ ...w, samples: [w.samples[0], w.samples.at(-1)] }));
  const whole = ends(await windows(520_000, options, 77_777));
  expect(whole.length).toBe(33);
  expect(ends(await windows(520_000, options, 160))).toEqual(whole);
});

test("no window reaches over the end of a piece, and the last of several pieces is padded as offline", async () => {
  const all = await windows(PIECE_SAMPLES + 5000, { chunk: 25, context: 750, ahead: 8000 });
  const second = all.findIndex((w) => w.samples[0] === PIECE_SAMPLES + 1);
  expect(all[second]?.skip).toBe(0);
  expect(all[second]?.samples.length).toBe(PIECE_SAMPLES);
  expect(all.slice(0, second).reduce((n, w) => n + w.take, 0)).toBe(750);
  const alone = await windows(5000, { chunk: 25, context: 750, ahead: 8000 });
  expect(alone[0]?.samples.length).toBe(5120);
});
