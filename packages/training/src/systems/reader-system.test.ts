/** A reader trained as `uat train` does, then asked as `uat describe` does. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  AudioDescriber,
  AudioTokenizer,
  codebookHash,
  fileSource,
  formatSap,
  openSafetensors,
  readFloat32,
  type SapAnswer,
} from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { train } from "../loop/train.ts";
import { Random } from "../random.ts";

const CONFIG = `
system: reader
seed: 2
steps: 240
save_every: 80
evaluate_every: 240
batch_size: 8
workers: 0
threads: 1
model:
  config: { input_size: 32, hidden_size: 64, num_blocks: 1, attention_heads: 2, filter_size: 64, dropout_rate: 0 }
data:
  train:
    - { manifest: spoken.jsonl, task: asr }
    - { manifest: scenes.jsonl, task: sap }
  validation: [{ manifest: scenes.jsonl, task: sap }]
  validation_rows: 8
optimizer: { groups: { all: { lr: 5e-3, warmup: 10 } } }
objectives: { hidden_share: 0.02, hidden_stretch: 1 }
`;

const LETTERS = "abcdefgh ";
const RAIN = 500;
const QUIET = 501;
const [LOW, HIGH] = [1000, 2000];

/** Each letter is a code of its own, higher for one gender, and quiet follows it; rain is a code behind the words. */
function codesOf(text: string, gender: "Female" | "Male", rain: boolean): number[] {
  const from = gender === "Female" ? HIGH : LOW;
  const spoken = Array.from(text).flatMap((letter) => {
    const code = from + LETTERS.indexOf(letter);
    return [code, code, QUIET];
  });
  return rain ? [...spoken, RAIN, RAIN, RAIN, RAIN, RAIN] : [...spoken, QUIET, QUIET];
}

const answer = (transcription: string | null, gender: "Female" | "Male" | null, rain: boolean): SapAnswer => ({
  transcription,
  paralinguistics: { age: null, gender, emotion: null, accent: null, prosody: null, timbre: null },
  nonLinguisticEvents: {
    description: null,
    discreteEvents: [],
    continuousEvents: rain ? [{ label: "rain", characteristic: "" }] : [],
  },
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uat-reader-"));
  const random = new Random(5);
  const words = () => Array.from({ length: 6 }, () => LETTERS[random.below(8)]).join("");
  const spoken = Array.from({ length: 60 }, (_, i) => {
    const gender = i % 2 ? "Female" : "Male";
    const text = `${words()} ${words()}`;
    return { audio: `${i}.wav`, text: `${text}!`, gender, codes: codesOf(text, gender, false) };
  });
  const scenes = Array.from({ length: 60 }, (_, i) => {
    const gender = i % 2 ? "Female" : "Male";
    const rain = i % 3 === 0;
    const text = i % 4 ? `${words()} ${words()}` : null;
    const sap = answer(text, text === null ? null : gender, rain);
    return { audio: `${i}.wav`, text: formatSap(sap), codes: codesOf(text ?? "", gender, rain) };
  });
  const lines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join("\n");
  await writeFile(join(folder, "spoken.jsonl"), lines(spoken));
  await writeFile(join(folder, "scenes.jsonl"), lines(scenes));
  await writeFile(join(folder, "reader.yaml"), CONFIG);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("learns words, speakers and sounds; a run that goes on from a checkpoint ends with the same weights", async () => {
  const out = join(folder, "run");
  await train(join(folder, "reader.yaml"), { out });
  const describer = await AudioDescriber.fromPretrained(join(out, "checkpoint-240"));
  try {
    const told = await describer.describe({ codes: codesOf("head bag", "Female", true) });
    expect(told.sap?.transcription).toBe("head bag");
    expect(told.sap?.paralinguistics.gender).toBe("Female");
    expect(told.sap?.nonLinguisticEvents.continuousEvents.map(({ label }) => label)).toEqual(["rain"]);
    expect((await describer.describe({ codes: codesOf("fade", "Male", false) }, { task: "asr" })).text).toBe("fade");
    const quiet = await describer.describe({ codes: codesOf("", "Male", true) });
    expect(quiet.sap).toMatchObject({ transcription: null, paralinguistics: { gender: null } });
    await expect(describer.describe({ codes: [1, 2, 3] }, { task: "emotion" })).rejects.toThrow("knows no emotions");
  } finally {
    await describer.dispose();
  }
  const again = join(folder, "again");
  await train(join(folder, "reader.yaml"), { out: again, steps: 160 });
  await train(join(folder, "reader.yaml"), { out: again, resume: true });
  const weights = (run: string) => readFile(join(run, "checkpoint-240/reader/model.safetensors"));
  expect((await weights(again)).equals(await weights(out))).toBe(true);
});

test("with a tokeniser, sound is tokenised, embeddings begin as its codebook, and its hash is kept", async () => {
  const other = await mkdtemp(join(folder, "sound-"));
  const audio = fileURLToPath(new URL("../../../../tests/fixtures/audio/speech16k.wav", import.meta.url));
  await writeFile(join(other, "spoken.jsonl"), JSON.stringify({ audio, text: "words" }));
  const config = CONFIG.replace(/ {4}- \{ manifest: scenes[^\n]*\n/, "")
    .replace(/ {2}validation: [^\n]*\n/, "  tokenizer: base\n")
    .replace("input_size: 32", "input_size: 512")
    .replace("evaluate_every: 240", "evaluate_every: 0")
    .replace("lr: 5e-3, warmup: 10", "lr: 0, min_lr: 0, warmup: 0")
    .replace("optimizer: {", "optimizer: { weight_decay: 0,");
  await writeFile(join(other, "reader.yaml"), config);
  const { checkpoint } = await train(join(other, "reader.yaml"), { out: join(other, "run"), steps: 1 });
  const tokenizer = await AudioTokenizer.fromPretrained("base");
  const { vectors, shape } = await tokenizer.codebook();
  await tokenizer.dispose();
  const json = JSON.parse(await readFile(join(checkpoint as string, "reader/config.json"), "utf8"));
  expect(json).toMatchObject({ characters: [..."dorsw"], labels: ["speech"] });
  expect(json.codebook_sha256).toBe(await codebookHash(vectors));
  const store = await openSafetensors(await fileSource(join(checkpoint as string, "reader/model.safetensors")));
  const rows = await readFloat32(store, "embedding.weight");
  await store.close();
  // whatever the mean and the scale are, differences of two codes stay in proportion
  const width = shape[1] as number;
  const between = (list: Float32Array) =>
    Array.from({ length: 20 }, (_, d) => list[4321 * width + d]! - list[77 * width + d]!);
  const [mine, its] = [between(rows), between(vectors)];
  const scale = Math.hypot(...mine) / Math.hypot(...its);
  for (const [d, value] of its.entries()) expect(mine[d]).toBeCloseTo(value * scale, 5);
});

test.each([
  ["a row without codes", { audio: "1.wav", text: "ab" }, "spoken.jsonl:1: has no codes"],
  [
    "a code that is none",
    { audio: "1.wav", text: "ab", codes: [9000] },
    "code 9000; expected whole numbers below 8192",
  ],
  ["a row without a token", { audio: "1.wav", text: "ab", codes: "" }, "spoken.jsonl:1: "],
])("%s is refused in a line that names it", async (_, row, message) => {
  const other = await mkdtemp(join(folder, "bad-"));
  await writeFile(join(other, "spoken.jsonl"), JSON.stringify(row));
  const config = CONFIG.replace(/ {4}- \{ manifest: scenes[^\n]*\n/, "").replace(/ {2}validation: [^\n]*\n/, "");
  await writeFile(join(other, "reader.yaml"), config.replace("evaluate_every: 240", "evaluate_every: 0"));
  await expect(train(join(other, "reader.yaml"), { out: join(other, "run") })).rejects.toThrow(message);
});
