import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeAudio } from "@uat/audio";
import { afterAll, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../packages/codec/src/checkpoint/npy.ts";
import { loadNpy } from "../npy.ts";
import { fixtures, namesIn, speech, uat, workFolder } from "./run-uat.ts";

const { folder, model, remove } = workFolder();
afterAll(remove);
const common = ["--model", model, "--quiet"];
const at = (name: string) => join(folder, name);
const cases = join(fixtures, "decoders/uniaudio/cases");
const tokens = join(cases, "n7/tokens.npy");
const list = JSON.stringify([...loadNpy(tokens).data]);

async function samplesOf(path: string): Promise<Float32Array> {
  const { sampleRate, channels } = await decodeAudio(readFileSync(path), { name: path });
  expect(sampleRate).toBe(22050);
  return channels[0]!;
}

function nearly(a: Float32Array, b: ArrayLike<number>, tolerance: number): void {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  expect(worst).toBeLessThan(tolerance);
}

test("tokens in every form give the golden waveform", async () => {
  const golden = loadNpy(join(cases, "n7/wav.npy")).data;
  const numbers: number[] = JSON.parse(list);
  writeFileSync(at("list.json"), list);
  writeFileSync(at("row.jsonl"), `${JSON.stringify({ path: "x.wav", codes: numbers, frameRate: 25 })}\n`);
  writeFileSync(at("nested.json"), JSON.stringify([[numbers]]));
  writeFileSync(at("codes.txt"), numbers.join(" "));
  writeFileSync(at("int32.npy"), writeNpy(Int32Array.from(numbers), [1, 1, 7]));
  for (const form of [tokens, at("list.json"), at("row.jsonl"), at("nested.json"), at("codes.txt"), at("int32.npy")]) {
    const out = at("out.wav");
    const { code, stderr } = await uat(["decode", form, ...common, "--out", out, "--encoding", "f32"]);
    expect(stderr, form).toBe("");
    expect(code).toBe(0);
    nearly(await samplesOf(out), golden, 5e-4);
  }
});

test("from pipe to pipe: 16-bit wav on standard output", async () => {
  const { stdout, stderr } = await uat(["decode", "-", ...common, "--out", "-"], { input: list });
  expect(stderr).toBe("");
  expect(stdout.toString("latin1", 0, 4)).toBe("RIFF");
  expect(stdout.readUInt32LE(40)).toBe(stdout.length - 44);
  writeFileSync(at("pipe.wav"), stdout);
  nearly(await samplesOf(at("pipe.wav")), loadNpy(join(cases, "n7/wav.npy")).data, 1e-3);
});

test("--stream writes the same length block by block, to files and pipes", async () => {
  const input = JSON.stringify(Array.from({ length: 60 }, (_, i) => (i * 37) % 512));
  const stream = ["decode", "-", ...common, "--stream", "--block-size", "20"];
  expect((await uat([...stream, "--out", at("stream.wav")], { input })).code).toBe(0);
  const samples = await samplesOf(at("stream.wav"));
  expect(samples.length / 22050).toBeCloseTo(60 / 25, 1);
  const piped = await uat([...stream, "--out", "-", "--window", "10"], { input });
  expect(piped.stderr).toBe("");
  // no length was known when the header went out
  expect(piped.stdout.readUInt32LE(40)).toBe(0xffffffff);
  writeFileSync(at("piped.wav"), piped.stdout);
  expect((await samplesOf(at("piped.wav"))).length / 22050).toBeCloseTo(60 / 25, 1);
});

test("flac and opus by the file's ending, whole and block by block", async () => {
  const input = JSON.stringify(Array.from({ length: 60 }, (_, i) => (i * 37) % 512));
  const decode = async (name: string, ...more: string[]) => {
    const { code, stderr } = await uat(["decode", "-", ...common, "--out", at(name), ...more], { input });
    expect([code, stderr]).toEqual([0, ""]);
    return decodeAudio(readFileSync(at(name)), { name });
  };
  for (const more of [[], ["--stream", "--block-size", "20"]]) {
    const wav = await decode("a.wav", ...more);
    const flac = await decode("a.flac", ...more);
    expect(flac).toEqual(wav);
    // what was written as it came knows its length in the end
    expect(readFileSync(at("a.flac")).readUInt32BE(22)).toBe(wav.channels[0]!.length);
    if (more.length === 0) continue;
    const opus = await decode("a.opus", ...more);
    expect(opus.sampleRate).toBe(48_000);
    expect(opus.channels[0]!.length).toBe(Math.ceil((wav.channels[0]!.length * 48_000) / 22_050));
  }
  const floats = await uat(["decode", "-", ...common, "--out", at("b.flac"), "--encoding", "f32"], { input });
  expect([floats.code, floats.stderr]).toEqual([2, expect.stringMatching(/^uat: --encoding f32 .*only wav holds/)]);
});

test("the seed decides", async () => {
  const bytes = async (...more: string[]) =>
    (await uat(["decode", "-", ...common, "--out", "-", ...more], { input: list })).stdout;
  const [first, again, other] = [await bytes(), await bytes("--seed", "42"), await bytes("--seed", "7")];
  expect(again.equals(first)).toBe(true);
  expect(other.equals(first)).toBe(false);
});

test("speaker embedding and prompt files as in the fixtures", async () => {
  const decode = async (name: string, ...more: string[]) => {
    const of = (file: string) => join(cases, name, file);
    const args = ["decode", of("tokens.npy"), ...common, "--encoding", "f32", "--out", at("voice.wav")];
    const { stderr } = await uat([...args, "--embedding", of("embedding.npy"), ...more]);
    expect(stderr).toBe("");
    nearly(await samplesOf(at("voice.wav")), loadNpy(of("wav.npy")).data, 5e-3);
  };
  await decode("n20_emb");
  const prompt = (file: string) => join(cases, "prompted", file);
  await decode("prompted", "--prompt-tokens", prompt("prompt_token.npy"), "--prompt-mel", prompt("prompt_feat.npy"));
});

test("--prompt takes a clip: its codes and its mel", async () => {
  const { code, stderr } = await uat(["decode", tokens, ...common, "--prompt", speech, "--out", at("prompted.wav")]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect((await samplesOf(at("prompted.wav"))).length / 22050).toBeCloseTo(7 / 25, 1);
});

test("several rows need a directory, and get a file each", async () => {
  const rows = ["a/one.wav", "b/one.wav", "two.flac"].map((path) => JSON.stringify({ path, codes: [1, 2, 3] }));
  writeFileSync(at("rows.jsonl"), rows.join("\n"));
  const refused = await uat(["decode", at("rows.jsonl"), ...common, "--out", at("rows.wav")]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/^uat: 3 lists of codes.*directory.*\n$/);
  expect((await uat(["decode", at("rows.jsonl"), ...common, "--out", at("rows/")])).code).toBe(0);
  expect(namesIn(at("rows"))).toEqual(["one-2.wav", "one.wav", "two.wav"]);
});

test("tokenize and decode fit together", async () => {
  const { stdout } = await uat(["tokenize", speech, "--model", model, "--quiet"]);
  const { code } = await uat(["decode", "-", ...common, "--out", at("again.wav")], { input: stdout });
  expect(code).toBe(0);
  expect((await samplesOf(at("again.wav"))).length / 22050).toBeCloseTo(3, 1);
});

test("reconstruct: tokens, wav and picture", async () => {
  copyFileSync(speech, at("talk.wav"));
  const { code, stdout, stderr } = await uat(["reconstruct", "talk.wav", "--plot", "--model", "model"], {
    cwd: folder,
  });
  expect(code, stderr).toBe(0);
  expect(String(stdout)).toMatch(
    /talk\.wav: 3\.00 s → 75 codes · 25 a second · 225 bit\/s\n(( {2}|(?<=\d) )\d+){20}\n/,
  );
  expect(namesIn(at("reconstruction"))).toEqual(["talk.png", "talk.wav"]);
  const png = readFileSync(at("reconstruction/talk.png"));
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect(png.readUInt32BE(16)).toBe(1280);
  expect((await samplesOf(at("reconstruction/talk.wav"))).length / 22050).toBeCloseTo(3, 1);
  // the reconstruction of a reconstruction must not replace its own input
  const again = await uat(["reconstruct", "reconstruction/talk.wav", "--model", "model"], { cwd: folder });
  expect(again.code).toBe(2);
  expect(again.stderr).toMatch(/is an input/);
});

test("reconstruct prints all codes in a chosen form", async () => {
  const args = ["reconstruct", speech, "--model", model, "--quiet", "--out-dir", at("json"), "--format", "json"];
  const { stdout } = await uat(args);
  expect(JSON.parse(String(stdout)).codes).toHaveLength(75);
});

test("the npy reader of the tests agrees with the library's", () => {
  expect(readNpy(readFileSync(tokens)).shape).toEqual([7]);
});
