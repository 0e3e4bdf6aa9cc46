/** The parts of `uat eval` that need a language model, a synthesiser or probes, as users run them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeWav, Random } from "@uat/audio";
import { formatSap } from "universal-audio-tokenizer/internal";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type ChatReply,
  type ChatRequest,
  type ChatServer,
  startChatServer,
} from "../../packages/evaluation/src/judged/chat-server.test-helper.ts";
import { namesIn, uat, workFolder } from "./run-uat.ts";

const { folder, model, remove } = workFolder();
afterAll(remove);
let server: ChatServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const KEY = "secret-key-1234567890";
const RATE = 16_000;

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

const sap = (transcription: string, accent: string) =>
  formatSap({
    transcription,
    paralinguistics: { age: "Adult", gender: "Male", emotion: "Neutral", accent, prosody: null, timbre: null },
    nonLinguisticEvents: { description: null, discreteEvents: [], continuousEvents: [] },
  });

/** A tone, and after it as long a silence as asked for. */
const wav = (hz: number, seconds = 0.4, silence = 0) =>
  encodeWav(
    [
      Float32Array.from({ length: RATE * (seconds + silence) }, (_, i) =>
        i < RATE * seconds ? 0.3 * Math.sin((2 * Math.PI * hz * i) / RATE) : 0,
      ),
    ],
    RATE,
  );

/** With a key in the environment that must show nowhere. */
const run = (args: readonly string[], out: string) =>
  uat(["eval", ...args, "--out", out, "--threads", "1"], { cwd: folder, env: { UAT_ENDPOINT_KEY: KEY } });

const withServer = async (reply: (request: ChatRequest) => ChatReply): Promise<string[]> => {
  server = await startChatServer(reply);
  return ["--endpoint", server.url, "--endpoint-model", "big"];
};

interface Task {
  readonly task: string;
  readonly facts: Record<string, unknown>;
  readonly sections: {
    figures: { id: string; value: number | null; n?: number }[];
    published?: Record<string, number>;
  }[];
}
const taskOf = (out: string): Task => JSON.parse(readFileSync(join(out, "report.json"), "utf8")).tasks[0];
const values = (out: string) =>
  Object.fromEntries(taskOf(out).sections.flatMap(({ figures }) => figures.map(({ id, value }) => [id, value])));

function keyIsNowhere(out: string, ...texts: string[]): void {
  for (const name of namesIn(out)) expect(readFileSync(join(out, name), "utf8"), name).not.toContain(KEY);
  for (const text of texts) expect(text).not.toContain(KEY);
}

beforeAll(() => {
  for (const [i, hz] of [200, 400, 800].entries()) write(`clips/${i}.wav`, wav(hz));
});

describe("sap", () => {
  const rows = () => [
    { path: "0.wav", sap: sap("one two", "British") },
    { path: "1.wav", sap: sap("three four", "Scottish") },
  ];

  test("predictions of a file, judged; stopped by the judge, gone on with, and done again for nothing", async () => {
    const list = write("clips/scenes.jsonl", lines(rows()));
    const predictions = write(
      "answers.jsonl",
      lines([
        { name: "0.wav", prediction: sap("one too", "English") },
        { name: "1.wav", prediction: "```json\n{oops" },
      ]),
    );
    const out = join(folder, "sap");
    let busy = true;
    const endpoint = await withServer(({ index }) =>
      busy && index === 0 ? { status: 401, body: `no such key: ${KEY}` } : index % 3 === 2 ? "no" : "yes",
    );
    const command = ["sap", list, "--predictions", predictions, ...endpoint];
    const refused = await run(command, out);
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toMatch(/answered 401 "no such key: …"; expected a completion; check the key/);
    expect(server!.requests[0]!.authorization).toBe(`Bearer ${KEY}`);
    keyIsNowhere(out, refused.stderr, String(refused.stdout));

    busy = false;
    const { code, stderr, stdout } = await run(command, out);
    expect(code, stderr).toBe(0);
    expect(values(out)).toMatchObject({ valid: 50, wer: 50, gender: 100, accent: 100, "event-score": 10 });
    expect(taskOf(out).facts.Judge).toBe(`big at ${server!.url}/chat/completions`);
    expect(server!.requests).toHaveLength(4);
    keyIsNowhere(out, stderr, String(stdout));

    expect((await run(command, out)).code).toBe(0);
    expect(server!.requests).toHaveLength(4);
  });

  test("without a judge the rest is measured", async () => {
    const list = write("clips/column.jsonl", lines(rows().map((row) => ({ ...row, guess: row.sap }))));
    const out = join(folder, "sap-column");
    const { code, stderr } = await run(["sap", list, "--predictions", "guess"], out);
    expect(code, stderr).toBe(0);
    expect(values(out)).toMatchObject({ valid: 100, wer: 0 });
    expect(values(out)).not.toHaveProperty("accent");
    expect(readFileSync(join(out, "report.md"), "utf8")).toMatch(/need a judge/);
  });
});

describe("understanding", () => {
  const questions = [
    { id: "q0", audio_id: "./0.wav", question: "High?", choices: ["low", "high"], answer: "low", task: "sound" },
    { id: "q1", audio_id: "./1.wav", question: "Who?", choices: ["he", "she"], answer: "she", task: "speech" },
    { id: "q2", audio_id: "./2.wav", question: "Which?", choices: ["a", "b"], answer: "b", task: "music" },
  ];

  test("questions about tokens, and about the sound itself", async () => {
    const list = write("clips/mmau.json", JSON.stringify(questions));
    const endpoint = await withServer(({ text }) => (text.includes("High?") ? "Answer: A" : "(A)"));
    const out = join(folder, "mmau");
    const tokens = await run(["understanding", list, "--model", model, ...endpoint], out);
    expect(tokens.code, tokens.stderr).toBe(0);
    expect(values(out)).toMatchObject({ "accuracy-sound": 100, "accuracy-speech": 0, "accuracy-music": 0 });
    expect(values(out).accuracy).toBeCloseTo(100 / 3, 9);
    expect(server!.requests[0]!.text).toMatch(/^(<\|audio_\d+\|>){10}\n/);
    const sound = await run(
      ["understanding", list, "--as", "audio", "--limit", "2", ...endpoint],
      join(folder, "as-audio"),
    );
    expect(sound.code, sound.stderr).toBe(0);
    expect(server!.requests).toHaveLength(5);
    expect(server!.requests[4]!.text).toMatch(/^<wav 12844 bytes>\n/);
    keyIsNowhere(out);
  });

  test.each([
    ["clips/none.json", "[]", /which benchmark it is of is not clear/],
    ["clips/cut.json", JSON.stringify(questions).slice(0, -9), /cut\.json:1: is not valid JSON/],
    [
      "clips/wrong.json",
      JSON.stringify([{ ...questions[0], answer: "loud" }]),
      /row 1: the answer is none of the choices/,
    ],
    ["clips/gone.json", JSON.stringify([{ ...questions[0], audio_id: "7.wav" }]), /7\.wav: no such file/],
  ])("what cannot be asked: %s", async (name, text, message) => {
    const endpoint = await withServer(() => "A");
    const out = join(folder, "bad");
    const { code, stderr } = await run(["understanding", write(name, text), "--as", "audio", ...endpoint], out);
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(message);
    expect(server!.requests).toHaveLength(0);
  });
});

test("probes: what sets speakers and codes apart is measured on those held out", async () => {
  const random = new Random(1);
  const rows = [];
  for (const [s, speaker] of ["anna", "ben", "carl", "dora"].entries())
    for (let i = 0; i < 3; i++) {
      const hz = (s % 3 === 0 ? 230 : 110) + random.below(20);
      const path = `${speaker}-${i}.wav`;
      write(`voices/${path}`, wav(hz, 1, 0.5));
      rows.push({ path, speaker, gender: s % 3 === 0 ? "Female" : "Male", text: ["so so", "no", "oh so"][i] });
    }
  const list = write("voices/list.jsonl", lines(rows));
  const out = join(folder, "probes");
  const command = ["probes", list, "--held-out-speakers", "carl,dora", "--steps", "3", "--model", model];
  const { code, stderr } = await run(command, out);
  expect(code, stderr).toBe(0);
  expect(stderr).not.toMatch(/[Ww]arning/);
  const found = values(out);
  for (const id of ["cer", "cer-train", "pitch-correlation", "pitch-rmse", "voicing", "level-rmse", "gender-mean"])
    expect(found, id).toHaveProperty(id);
  expect(taskOf(out).facts["Held-out speakers"]).toBe("carl, dora");
  const cer = taskOf(out)
    .sections.flatMap(({ figures }) => figures)
    .find(({ id }) => id === "cer")!;
  expect(cer.n).toBe(6);
  const before = found;
  expect((await run(command, join(folder, "probes-again"))).code).toBe(0);
  expect(values(join(folder, "probes-again"))).toEqual(before);

  const stranger = await run(["probes", list, "--held-out-speakers", "eve", "--model", model], join(folder, "eve"));
  expect(stranger.code).toBe(2);
  expect(stranger.stderr).toMatch(
    /held-out speakers eve: not among the clips; their speakers are anna, ben, carl, dora/,
  );
});

test("tts: without networks nothing can be measured", async () => {
  const list = write("tts/meta.lst", "u1|p|p.wav|Say this.\n");
  write("tts/p.wav", wav(300));
  const blind = await run(["tts", list, "--speech", join(folder, "nowhere")], join(folder, "tts"));
  expect(blind.code).toBe(2);
  expect(blind.stderr).toMatch(/nothing is to be measured; give a recogniser/);
});
