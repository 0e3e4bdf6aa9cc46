/**
 * The built `uat serve` under many clients: every answer is compared with the clip's own codes, told apart by status and
 * timed. UAT_BENCH_SECONDS says for how long (60 by default).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AudioTokenizer as Tokenizer } from "universal-audio-tokenizer";

const { AudioTokenizer, encodeWav } = (await import(
  new URL("../packages/codec/dist/node/index.js", import.meta.url).href
)) as typeof import("universal-audio-tokenizer");

const SECONDS = Number(process.env.UAT_BENCH_SECONDS ?? 60);
/** Mostly what people say at once, a few long clips. */
const LENGTHS = [0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 30];

interface Clip {
  readonly seconds: number;
  readonly body: string;
  readonly codes: readonly number[];
}

function wavOf(seconds: number, seed: number): Uint8Array {
  let state = seed;
  const samples = Float32Array.from({ length: seconds * 16_000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 0.1;
  });
  return encodeWav([samples], 16_000);
}

/** Seconds of audio tokenised in a second by the library alone, in this process. */
async function offline(tokenizer: Tokenizer, files: readonly Uint8Array[], seconds: number): Promise<number> {
  const since = performance.now();
  let audio = 0;
  for (let i = 0; performance.now() - since < seconds * 1000; i++) {
    const { clips } = await tokenizer.encode(files[i % files.length] as Uint8Array);
    audio += clips[0]?.duration ?? 0;
  }
  return audio / ((performance.now() - since) / 1000);
}

async function startServer(model: string): Promise<{ child: ChildProcess; url: string }> {
  const bin = fileURLToPath(new URL("../packages/codec/bin/uat.js", import.meta.url));
  const child = spawn(process.execPath, [bin, "serve", "--model", model, "--port", "0", "--no-decode"]);
  child.stdout.resume();
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stderr.on("data", (part) => {
      text += part;
      const [, found] = / at (http:\S+);/.exec(text) ?? [];
      if (found) resolve(found);
    });
    child.on("close", () => reject(new Error(`uat serve ended: ${text}`)));
  });
  return { child, url };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

/**
 * @returns audio tokenised in a second with `clients` clients ÷ what the library alone does on the same clips.
 * @throws where an answer is not that of its clip, or has a status that is none by design.
 */
export async function serverLoad(model: string, clients: number): Promise<number> {
  const files = LENGTHS.map((seconds, i) => wavOf(seconds, i + 1));
  const tokenizer = await AudioTokenizer.fromPretrained(model, { device: "cpu" });
  const { clips: known } = await tokenizer.encode(files);
  const clips: Clip[] = files.map((file, i) => ({
    seconds: LENGTHS[i] as number,
    body: JSON.stringify({ audio: Buffer.from(file).toString("base64") }),
    codes: [...(known[i]?.codes ?? [])],
  }));
  const alone = await offline(tokenizer, files, Math.min(10, SECONDS / 3));
  await tokenizer.dispose();

  const { child, url } = await startServer(model);
  const times: number[] = [];
  const statuses = new Map<number, number>();
  let audio = 0;
  const memory: number[] = [];
  const readMemory = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    memory.push(Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / 2 ** 20);
  };
  const since = performance.now();
  const until = since + SECONDS * 1000;
  const client = async (index: number) => {
    for (let turn = 0; performance.now() < until; turn++) {
      const clip = clips[(index * 7 + turn * 5) % clips.length] as Clip;
      const asked = performance.now();
      const response = await fetch(`${url}/v1/audio/tokens`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: clip.body,
      });
      const answer = (await response.json()) as { audio_codes?: number[][][] };
      times.push((performance.now() - asked) / 1000);
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      if (response.status === 200) {
        if (answer.audio_codes?.[0]?.[0]?.join() !== clip.codes.join())
          throw new Error(`the answer to a clip of ${clip.seconds} s is not its own`);
        if (performance.now() < until) audio += clip.seconds;
      } else if (response.status === 429 || response.status === 503) {
        const seconds = Number(response.headers.get("retry-after") ?? 1);
        await new Promise((resolve) =>
          setTimeout(resolve, Math.min(seconds * 1000, Math.max(0, until - performance.now()))),
        );
      } else throw new Error(`status ${response.status}: ${JSON.stringify(answer)}`);
    }
  };
  const watch = setInterval(() => void readMemory().catch(() => undefined), 5000);
  try {
    await readMemory();
    await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
    await readMemory();
  } finally {
    clearInterval(watch);
    child.kill("SIGTERM");
    await new Promise((resolve) => child.on("close", resolve));
  }
  times.sort((a, b) => a - b);
  const share = audio / SECONDS / alone;
  const told = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  process.stderr.write(
    `${clients} clients, ${SECONDS} s: ${told}; p50 ${quantile(times, 0.5).toFixed(2)} s, p99 ${quantile(times, 0.99).toFixed(2)} s, ` +
      `longest ${(times.at(-1) ?? 0).toFixed(2)} s; ${(audio / SECONDS).toFixed(1)} s of audio a second, alone ${alone.toFixed(1)}; ` +
      `memory ${memory.map((m) => Math.round(m)).join(" ")} MB\n`,
  );
  return share;
}
