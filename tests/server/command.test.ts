/** `uat serve` as it is installed: engines in threads of their own, many clients, and an end in order. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { AudioTokenizer, encodeWav } from "../../packages/codec/src/index.ts";
import { root, uat, workFolder } from "../cli/run-uat.ts";
import { noise } from "./small-server.ts";

const work = workFolder();
afterAll(() => work.remove());

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
  readonly log: () => string;
  readonly exit: Promise<number | null>;
}

async function serve(...args: string[]): Promise<Served> {
  const bin = join(root, "packages/codec/bin/uat.js");
  const child = spawn(process.execPath, [
    bin,
    "serve",
    "--model",
    work.model,
    "--port",
    "0",
    "--threads",
    "1",
    ...args,
  ]);
  let log = "";
  let errors = "";
  child.stdout.on("data", (part) => {
    log += part;
  });
  child.stderr.on("data", (part) => {
    errors += part;
  });
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const look = setInterval(() => {
      const [, found] = / at (http:\S+);/.exec(errors) ?? [];
      if (found) {
        clearInterval(look);
        resolve(found);
      }
    }, 20);
    void exit.then(() => reject(new Error(`uat serve ended: ${errors}`)));
  });
  return { child, url, log: () => log, exit };
}

/** Clips of several lengths and their codes, as the library tells them. */
async function clips(lengths: readonly number[]) {
  const tokenizer = await AudioTokenizer.fromPretrained(work.model, { device: "cpu", threads: 1 });
  const files = lengths.map((seconds, i) => encodeWav([noise(seconds, 100 + i)], 16_000));
  const { clips } = await tokenizer.encode(files);
  await tokenizer.dispose();
  return files.map((file, i) => ({ audio: Buffer.from(file).toString("base64"), codes: [...clips[i]!.codes] }));
}

const post = (url: string, body: unknown) =>
  fetch(`${url}/v1/audio/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("under load", () => {
  let served: Served;
  let known: Awaited<ReturnType<typeof clips>>;
  beforeAll(async () => {
    known = await clips([0.3, 1, 2.2, 5, 9, 31]);
    served = await serve("--workers", "2");
  });

  test("20 clients with mixed clips each get the codes of their own, and a stream runs beside them", async () => {
    const socket = new WebSocket(`${served.url.replace("http", "ws")}/v1/audio/decode/live`);
    let samples = 0;
    const streamed = new Promise<number>((resolve, reject) => {
      socket.on("open", () => {
        socket.send(JSON.stringify({ type: "start", block_size: 10 }));
        socket.send(JSON.stringify({ type: "tokens", codes: new Array(25).fill(7) }));
        socket.send(JSON.stringify({ type: "end" }));
      });
      socket.on("message", (data: Buffer, binary) => {
        if (binary) samples += data.length / 2;
      });
      socket.on("close", resolve);
      socket.on("error", reject);
    });
    let answers = 0;
    await Promise.all(
      Array.from({ length: 20 }, async (_, client) => {
        for (let turn = 0; turn < 3; turn++) {
          const own = [known[(client + turn) % known.length]!, known[(client * 5 + turn) % known.length]!];
          const chosen = client % 2 ? own : own.slice(0, 1);
          const response = await post(served.url, { audio: chosen.map((c) => c.audio) });
          expect(response.status).toBe(200);
          const { audio_codes } = (await response.json()) as { audio_codes: number[][][] };
          const longest = Math.max(...chosen.map((c) => c.codes.length));
          for (const [i, { codes }] of chosen.entries())
            expect(audio_codes[i]?.[0]).toEqual([...codes, ...new Array(longest - codes.length).fill(-1)]);
          answers++;
        }
      }),
    );
    expect(answers).toBe(60);
    expect(await streamed).toBe(1000);
    expect(samples).toBeGreaterThan(20_000);
    expect(await (await fetch(`${served.url}/healthz`)).json()).toEqual({ healthy: true, engines: [true, true] });
  });

  test("SIGTERM: every accepted request is answered, later ones are not taken, the end is 0", async () => {
    const long = known.at(-1)!;
    const asked = Array.from({ length: 12 }, () => post(served.url, { audio: long.audio }));
    const busy = async () => {
      const text = await (await fetch(`${served.url}/metrics`)).text();
      const read = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
      return read("uat_queue_length") + read("uat_running");
    };
    while ((await busy()) < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    const since = Date.now();
    served.child.kill("SIGTERM");
    const statuses = await Promise.all(
      asked.map(async (one) => {
        const response = await one;
        if (response.status === 200) {
          const { audio_codes } = (await response.json()) as { audio_codes: number[][][] };
          expect(audio_codes[0]?.[0]).toEqual(long.codes);
        }
        return response.status;
      }),
    );
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(6);
    expect(statuses.every((status) => status === 200 || status === 503)).toBe(true);
    expect(await served.exit).toBe(0);
    expect(Date.now() - since).toBeLessThan(30_000);
    await expect(post(served.url, {})).rejects.toThrow();
    const lines = served
      .log()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; level: string });
    expect(lines.filter((line) => line.level === "error")).toEqual([]);
    expect(lines.map((line) => line.event).slice(-1)).toEqual(["stopped"]);
  });
});

test("what cannot be served is told in one line", async () => {
  const outcomes = await Promise.all([
    uat(["serve", "--model", "/nowhere", "--port", "0"]),
    uat(["serve", "--no-tokens", "--no-decode"]),
    uat(["serve", "--model", work.model, "--port", "0", "--cors", "example.org"]),
    uat(["serve", "--model", work.model, "--port", "0", "--keys", work.folder]),
    uat(["serve", "--model", work.model, "--port", "0", "--tls-cert", "a.pem"]),
    uat(["serve", "--model", work.model, "--port", "0"], { env: { UAT_API_KEYS: "short" } }),
    uat(["serve", "--model", work.model, "--port", "0", "--host", "256.0.0.1"]),
  ]);
  for (const { code, stderr } of outcomes) {
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/^uat: [^\n]+\n$/);
  }
});
