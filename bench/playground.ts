/** The playground on a cold cache: until the page shows, until ten seconds of audio are back, and frames meanwhile. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeAudio, encodeWav } from "../packages/codec/src/index.ts";
import { startSite } from "../tests/playground/site.ts";

const SECONDS = 10;

export interface ColdRun {
  /** Seconds until the first content is painted, as the browser tells it. */
  readonly painted: number;
  /** Seconds from opening the page until the clip can be heard. */
  readonly back: number;
  /** Milliseconds between frames while it computes: the 95th percentile and the most. */
  readonly frame95: number;
  readonly frameMost: number;
}

/** A context of its own for each run: nothing is cached. */
export async function coldRun(): Promise<ColdRun> {
  const sample = fileURLToPath(new URL("../models/samples/speech.flac", import.meta.url));
  const { channels, sampleRate } = await decodeAudio(readFileSync(sample));
  const [speech = new Float32Array(1)] = channels;
  const clip = Float32Array.from({ length: SECONDS * sampleRate }, (_, i) => speech[i % speech.length] as number);
  const folder = mkdtempSync(join(tmpdir(), "playground-"));
  const file = join(folder, "ten.wav");
  writeFileSync(file, encodeWav([clip], sampleRate));
  const site = await startSite();
  try {
    const start = performance.now();
    const { page } = await site.open("/?device=wasm");
    // as text: the script runner names functions in a way the page does not know
    await page.evaluate(`globalThis.frames = [];
      requestAnimationFrame(function frame(now) { frames.push(now); requestAnimationFrame(frame); });`);
    // a path: contents would be unpacked by a script of the page, which costs frames
    await page.setInputFiles("#file", file);
    await page.waitForSelector('[data-take="wav"]:enabled', { state: "attached", timeout: 300_000 });
    const back = (performance.now() - start) / 1000;
    const painted = (await page.evaluate(
      "performance.getEntriesByName('first-contentful-paint')[0].startTime",
    )) as number;
    const frames = (await page.evaluate("frames")) as number[];
    const gaps = frames
      .slice(1)
      .map((now, i) => now - (frames[i] as number))
      .sort((a, b) => a - b);
    const frame95 = gaps[Math.floor(0.95 * gaps.length)] as number;
    return { painted: painted / 1000, back, frame95, frameMost: gaps.at(-1) as number };
  } finally {
    await site.close();
    rmSync(folder, { recursive: true });
  }
}
