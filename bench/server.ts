/**
 * The built `uat serve` under many clients: every answer is compared with the clip's own codes, told apart by status and
 * timed. UAT_BENCH_SECONDS says for how long (60 by default), UAT_BENCH_SERVE gives further options of `uat serve`.
 *
 * The clients are this process and take their share of the same machine: they send bodies made beforehand, look at no more
 * of an answer than they must, and their processor time is told beside the server's.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import type { AudioTokenizer as Tokenizer } from "universal-audio-tokenizer";

const { AudioTokenizer, encodeWav } = (await import(
  new URL("../packages/codec/dist/node/index.js", import.meta.url).href
)) as typeof import("universal-audio-tokenizer");

const SECONDS = Number(process.env.UAT_BENCH_SECONDS ?? 60);
/** Mostly what people say at once, a few long clips. */
const LENGTHS = [0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 30];

interface Body {
  readonly type: string;
  readonly bytes: Buffer;
}

interface Clip {
  readonly seconds: number;
  /** As a form, and as JSON. */
  readonly bodies: readonly Body[];
  /** What its answer holds. */
  readonly codes: string;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: number;
  readonly text: string;
}

function bodiesOf(file: Uint8Array): Body[] {
  const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="clip.wav"\r\n\r\n';
  return [
    {
      type: "multipart/form-data; boundary=b",
      bytes: Buffer.concat([Buffer.from(head), file, Buffer.from("\r\n--b--\r\n")]),
    },
    { type: "application/json", bytes: Buffer.from(JSON.stringify({ audio: Buffer.from(file).toString("base64") })) },
  ];
}

function post(agent: Agent, url: string, { type, bytes }: Body): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": type, "content-length": bytes.length };
    const asked = request(`${url}/v1/audio/tokens`, { agent, method: "POST", headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: Number(response.headers["retry-after"] ?? 1),
          text: Buffer.concat(parts).toString("latin1"),
        }),
      );
    });
    asked.on("error", reject);
    asked.end(bytes);
  });
}

/** Seconds of processor time of this process. */
const used = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function wavOf(seconds: number, seed: number): Uint8Array {
  let state = seed;
  const samples = Float32Array.from({ length: seconds * 16_000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 0.1;
  });
  return encodeWav([samples], 16_000);
}

interface Rate {
  /** Seconds of audio tokenised in a second. */
  readonly audio: number;
  /** Seconds of processor time for each second of audio. */
  readonly cost: number;
}

/** What the library does alone, in this process. */
async function offline(tokenizer: Tokenizer, files: readonly Uint8Array[], seconds: number): Promise<Rate> {
  const since = performance.now();
  const before = used();
  let audio = 0;
  for (let i = 0; performance.now() - since < seconds * 1000; i++) {
    const { clips } = await tokenizer.encode(files[i % files.length] as Uint8Array);
    audio += clips[0]?.duration ?? 0;
  }
  return { audio: audio / ((performance.now() - since) / 1000), cost: (used() - before) / audio };
}

async function startServer(model: string): Promise<{ child: ChildProcess; url: string }> {
  const bin = fileURLToPath(new URL("../packages/codec/bin/uat.js", import.meta.url));
  const child = spawn(process.execPath, [
    bin,
    ...["serve", "--model", model, "--port", "0", "--no-decode"],
    ...(process.env.UAT_BENCH_SERVE ?? "").split(" ").filter(Boolean),
  ]);
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
    bodies: bodiesOf(file),
    codes: `"audio_codes":[[[${known[i]?.codes.join()}]]]`,
  }));
  const rates = [await offline(tokenizer, files, Math.min(10, SECONDS / 3))];

  const { child, url } = await startServer(model);
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times: number[] = [];
  const statuses = new Map<number, number>();
  let audio = 0;
  const memory: number[] = [];
  const readMetrics = async (): Promise<{ memory: number; cpu: number }> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const read = (name: string) => Number(new RegExp(`^${name} ([\\d.e+-]+)`, "m").exec(text)?.[1]);
    return { memory: read("process_resident_memory_bytes") / 2 ** 20, cpu: read("process_cpu_seconds_total") };
  };
  const since = performance.now();
  const until = since + SECONDS * 1000;
  const client = async (index: number) => {
    for (let turn = 0; performance.now() < until; turn++) {
      const clip = clips[(index * 7 + turn * 5) % clips.length] as Clip;
      const asked = performance.now();
      const { status, retryAfter, text } = await post(agent, url, clip.bodies[(index + turn) % 2] as Body);
      times.push((performance.now() - asked) / 1000);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 200) {
        if (!text.includes(clip.codes)) throw new Error(`the answer to a clip of ${clip.seconds} s is not its own`);
        if (performance.now() < until) audio += clip.seconds;
      } else if (status === 429 || status === 503) {
        const left = Math.max(0, until - performance.now());
        await new Promise((resolve) => setTimeout(resolve, Math.min(retryAfter * 1000, left)));
      } else throw new Error(`status ${status}: ${text}`);
    }
  };
  const watch = setInterval(
    () =>
      void readMetrics().then(
        (m) => memory.push(m.memory),
        () => undefined,
      ),
    5000,
  );
  const before = await readMetrics();
  const own = used();
  let server = 0;
  let ours = 0;
  try {
    memory.push(before.memory);
    // the server goes on with what is asked already, so its time is read when the counting ends
    const atEnd = new Promise<void>((resolve) => setTimeout(resolve, until - performance.now())).then(async () => {
      const after = await readMetrics();
      memory.push(after.memory);
      server = after.cpu - before.cpu;
      ours = used() - own;
    });
    await Promise.all([atEnd, ...Array.from({ length: clients }, (_, index) => client(index))]);
  } finally {
    clearInterval(watch);
    agent.destroy();
    child.kill("SIGTERM");
    await new Promise((resolve) => child.on("close", resolve));
  }
  // before and after, as the speed of machines drifts
  rates.push(await offline(tokenizer, files, Math.min(10, SECONDS / 3)));
  await tokenizer.dispose();
  const mean = (pick: (rate: Rate) => number) => rates.reduce((n, rate) => n + pick(rate), 0) / rates.length;
  const alone = mean((rate) => rate.audio);
  times.sort((a, b) => a - b);
  const told = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  const ms = (seconds: number) => `${(1000 * seconds).toFixed(1)} ms`;
  process.stderr.write(
    `${clients} clients, ${SECONDS} s: ${told}; p50 ${quantile(times, 0.5).toFixed(2)} s, p99 ${quantile(times, 0.99).toFixed(2)} s, ` +
      `longest ${(times.at(-1) ?? 0).toFixed(2)} s; ${(audio / SECONDS).toFixed(1)} s of audio a second, alone ${alone.toFixed(1)}; ` +
      `processor time for a second of audio: server ${ms(server / audio)}, clients ${ms(ours / audio)}, alone ${ms(mean((rate) => rate.cost))}; ` +
      `memory ${memory.map((m) => Math.round(m)).join(" ")} MB\n`,
  );
  return audio / SECONDS / alone;
}
