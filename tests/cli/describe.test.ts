import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeAudio, encodeWav, whisperFeatures } from "@uat/audio";
import { corpusWer, parseSap } from "@uat/evaluation";
import { buildGraph, compile, createRuntime, Scope } from "@uat/graph";
import {
  crossAttentionCache,
  directoryFiles,
  openSafetensorsModel,
  parametersOf,
  readWhisperVqConfig,
  WhisperVocabulary,
  whisperDecoder,
  whisperVq,
} from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { namesIn, root, speech, uat, workFolder } from "./run-uat.ts";
import { smallDescriber } from "./small-describer.ts";

const { folder, model: other, remove } = workFolder();
afterAll(remove);
const at = (name: string) => join(folder, name);
let checkpoint: string;
let common: string[];
beforeAll(async () => {
  checkpoint = await smallDescriber(folder, 1);
  common = ["--describer", checkpoint, "--quiet", "--threads", "1"];
}, 120_000);

const lines = (stdout: Buffer): Record<string, unknown>[] =>
  stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Greedy writing with the whole network, from audio, the whole text through it for every token. */
async function slowly(start: string, steps: number): Promise<string> {
  const files = directoryFiles(join(checkpoint, "tokenizer"));
  const config = await readWhisperVqConfig(files, "config.json");
  const vocabulary = await WhisperVocabulary.read(files);
  const store = await openSafetensorsModel(files, "model");
  const runtime = await createRuntime({ threads: 1 });
  try {
    const p = (g: ConstructorParameters<typeof Scope>[0]) => new Scope(g, parametersOf(store), "model");
    const encoder = await compile(
      runtime,
      buildGraph("slow_encoder", (g) => {
        const { encoder_out } = whisperVq(g, p(g).at("encoder"), config, { depth: "hidden" });
        return crossAttentionCache(encoder_out as NonNullable<typeof encoder_out>, p(g).at("decoder"), config);
      }),
    );
    const decoder = await compile(
      runtime,
      buildGraph("slow_decoder", (g) => whisperDecoder(g, p(g).at("decoder"), config)),
    );
    const { channels } = await decodeAudio(readFileSync(speech), { name: speech });
    const samples = channels[0] as Float32Array;
    // whole tokens of 640 samples
    const padded = new Float32Array(Math.ceil(samples.length / 640) * 640);
    padded.set(samples);
    const { data, mels, frames } = whisperFeatures(padded, 80);
    const cross = await encoder.run({
      input_features: { data, shape: [1, mels, frames] },
      attention_mask: { data: new Int32Array(frames).fill(1), shape: [1, frames] },
    });
    const size = config.d_model / config.decoder_attention_heads;
    const empty = { data: new Float32Array(0), shape: [1, config.decoder_attention_heads, 0, size] };
    const past = Object.fromEntries(
      Array.from({ length: config.decoder_layers }, (_, n) => n).flatMap((n) => [
        [`past_key.${n}`, empty],
        [`past_value.${n}`, empty],
      ]),
    );
    const ids = [vocabulary.special(start) as number];
    const end = vocabulary.special("<|endoftext|>") as number;
    while (ids.length <= steps) {
      const input_ids = { data: BigInt64Array.from(ids, BigInt), shape: [1, ids.length] };
      const { logits } = await decoder.run({ input_ids, ...past, ...cross });
      const best = Array.from(logits?.data as Float32Array, (value, id) => ({ value, id }))
        .sort((a, b) => b.value - a.value)
        .find(
          ({ id }) =>
            id === end ||
            (vocabulary.bytes[id] && isUtf8([...ids, id].flatMap((i) => [...(vocabulary.bytes[i] ?? [])]))),
        );
      if (best === undefined || best.id === end) break;
      ids.push(best.id);
    }
    return vocabulary.decode(ids).replace(/\ufffd$/, "");
  } finally {
    await store.close();
    await runtime.dispose();
  }
}

/** Whether bytes begin a text; the last character may be cut. */
function isUtf8(bytes: number[]): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes), { stream: true });
    return true;
  } catch {
    return false;
  }
}

describe("answers", () => {
  test("SAP JSON, indented, that the scorer takes", async () => {
    const { code, stdout, stderr } = await uat(["describe", speech, ...common]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(parseSap(stdout.toString())).toBeDefined();
    expect(stdout.toString()).toMatch(/^\{\n {2}"transcription": /);
  });

  test.each([
    ["caption", "<|startofcaption|>"],
    ["asr", "<|startoftranscript|>"],
  ])("%s equals the whole network without a cache", async (task, start) => {
    const want = (await slowly(start, 12)).trim();
    expect(new Set(want).size, `${JSON.stringify(want)} is varied`).toBeGreaterThan(4);
    const { stdout } = await uat(["describe", speech, "--task", task, "--max-tokens", "19", ...common]);
    expect(
      stdout.toString().startsWith(want),
      `${JSON.stringify(stdout.toString())} begins with ${JSON.stringify(want)}`,
    ).toBe(true);
  });

  test("codes in every form are answered as their audio is", async () => {
    const codes = (await uat(["tokenize", speech, "--model", checkpoint, "--quiet"])).stdout;
    writeFileSync(at("codes.json"), codes);
    const list = (JSON.parse(codes.toString()) as { codes: number[] }).codes;
    writeFileSync(at("codes.txt"), list.join(" "));
    const { stdout } = await uat(["describe", speech, at("codes.json"), at("codes.txt"), ...common]);
    const [audio, json, txt] = lines(stdout);
    expect(audio?.path).toBe(speech);
    expect(json).toEqual({ ...audio, path: speech });
    expect(txt).toEqual({ ...audio, path: at("codes.txt") });
    const piped = await uat(["describe", "-", "--json", ...common], { input: codes });
    const [row] = lines(piped.stdout);
    expect(row?.sap).toEqual(audio?.sap);
    expect(row?.pieces).toEqual([{ start: 0, duration: list.length / 25, sap: audio?.sap }]);
    const wav = await uat(["describe", "-", "--json", ...common], { input: readFileSync(speech) });
    expect(lines(wav.stdout)[0]?.sap).toEqual(audio?.sap);
  });

  test("an emotion is one of the seven; a text is a line", async () => {
    const { stdout } = await uat(["describe", speech, "--task", "emotion", ...common]);
    expect(stdout.toString()).toMatch(/^(Anger|Disgust|Fear|Happiness|Neutral|Sadness|Surprise)\n$/);
  });

  test("a long clip is answered by pieces of 30 s", async () => {
    const samples = Float32Array.from({ length: 16000 * 40 }, (_, n) => 0.2 * Math.sin(n / (5 + n / 160_000)));
    writeFileSync(at("long.wav"), encodeWav([samples], 16000));
    const { stdout } = await uat(["describe", at("long.wav"), "--task", "emotion", "--json", ...common]);
    const pieces = lines(stdout)[0]?.pieces as { start: number; duration: number }[];
    expect(pieces.map(({ start, duration }) => [start, duration])).toEqual([
      [0, 30],
      [30, 10],
    ]);
  });

  test("--out gets the answers, whole or not at all", async () => {
    const before = namesIn(folder);
    const good = await uat(["describe", speech, speech, "--task", "emotion", "--out", at("out.jsonl"), ...common]);
    expect(good.code).toBe(0);
    expect(readFileSync(at("out.jsonl"), "utf8").trim().split("\n")).toHaveLength(2);
    writeFileSync(at("bad.json"), "[1,2,999]");
    const bad = await uat(["describe", speech, at("bad.json"), "--out", at("no.jsonl"), ...common]);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain("code 2 is 999; expected whole numbers from 0 to 31");
    expect(namesIn(folder)).toEqual([...before, "bad.json", "out.jsonl"].sort());
  });
});

describe("what is refused, in one line", () => {
  test.each([
    [["--describer", "nowhere"], "nowhere: no such directory"],
    [["--max-tokens", "3"], "3 tokens: expected at least"],
    [["--task", "poem"], "Allowed choices are sap, caption, asr, emotion"],
  ])("%j", async (options, message) => {
    const { code, stderr, stdout } = await uat(["describe", speech, ...common, ...options]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stdout.length).toBe(0);
  });

  test("a model that only tokenises, and a tokenizer of other size", async () => {
    const first = await uat(["describe", speech, "--describer", other, "--quiet"]);
    expect(first.code).toBe(2);
    expect(first.stderr).toContain("holds no describer");
    const second = await uat(["describe", speech, ...common, "--model", other]);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain("has 512 codes");
    expect(second.stderr).toContain("give the codec it was trained with");
  });

  test("audio that is empty or damaged", async () => {
    writeFileSync(at("empty.wav"), encodeWav([new Float32Array(0)], 16000));
    writeFileSync(at("cut.wav"), readFileSync(speech).subarray(0, 30));
    for (const [name, message] of [
      ["empty.wav", "has no samples"],
      ["cut.wav", "cut.wav"],
      ["missing.wav", "no such file"],
    ] as const) {
      const { code, stderr } = await uat(["describe", at(name), ...common]);
      expect(code, name).toBe(2);
      expect(stderr).toContain(message);
    }
  });
});

describe("the embedded describer", () => {
  test("says what is said in the sample clip, and by whom", async () => {
    const { code, stdout } = await uat(["describe", join(root, "models/samples/speech.flac"), "--quiet"]);
    expect(code).toBe(0);
    const sap = parseSap(stdout.toString());
    const { wer } = corpusWer([
      {
        reference: "a big canvas tent was the first thing to come within his vision",
        hypothesis: sap?.transcription ?? "",
      },
    ]);
    expect(wer).toBeLessThan(0.5);
    expect(sap?.paralinguistics).toMatchObject({ gender: "Female", accent: "American English" });
  });

  test("hears no words in music, and refuses the tokens of another codebook", async () => {
    const music = await uat(["describe", join(root, "models/samples/music.flac"), "--task", "asr", "--quiet"]);
    expect(music.stdout.toString()).toBe("\n");
    const { code, stderr } = await uat(["describe", speech, "--model", other, "--quiet"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/512 codes, [\d.]+ a second, the describer base-sap reads 8192, 25 a second/);
  });
});
