import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy } from "../../packages/codec/src/checkpoint/npy.ts";
import { fixtures, namesIn, root, speech, uat, workFolder } from "./run-uat.ts";

const { folder, model, remove } = workFolder();
afterAll(remove);
const expected: Record<string, { tokens: number[] }> = JSON.parse(
  readFileSync(join(fixtures, "tokenizers/uniaudio/expected.json"), "utf8"),
).files;
const golden = (name: string) => expected[name]?.tokens as number[];
const audio = (name: string) => join(fixtures, "audio", name);
const common = ["--model", model, "--quiet"];

describe("help", () => {
  test.each(["tokenize", "decode", "reconstruct", "inspect", "pull", "export"])("of %s has examples", async (name) => {
    const { code, stdout, stderr } = await uat([name, "--help"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(String(stdout)).toMatch(new RegExp(`Usage: uat ${name}[\\s\\S]*Examples:\\n {2}\\$ uat ${name}`));
    expect(String(stdout)).toContain("--device");
  });

  test("of uat lists commands and exit codes; without arguments the same", async () => {
    const { code, stdout } = await uat(["--help"]);
    expect(code).toBe(0);
    for (const word of ["tokenize", "reconstruct", "Exit codes:", "--threads"]) expect(String(stdout)).toContain(word);
    expect(String((await uat([])).stdout)).toBe(String(stdout));
  });

  test("the version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "packages/codec/package.json"), "utf8"));
    expect(String((await uat(["--version"])).stdout)).toBe(`${version}\n`);
  });
});

describe("formats", () => {
  let json: string;
  beforeAll(async () => {
    json = String((await uat(["tokenize", speech, ...common])).stdout);
  });

  test("json: an object with all the facts", () => {
    expect(JSON.parse(json)).toEqual({
      path: speech,
      codes: golden("speech16k.wav"),
      frameRate: 25,
      codebookSize: 512,
      duration: 3,
    });
    expect(json.trimEnd()).not.toContain("\n");
  });

  test("jsonl: one row a file, in the order of the files, the default for several", async () => {
    const names = ["stereo44k.wav", "speech16k.wav", "speech.mp3", "short50ms.wav"];
    const { stdout, code } = await uat(["tokenize", ...names.map(audio), ...common]);
    expect(code).toBe(0);
    const rows = String(stdout)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.map((r) => r.path)).toEqual(names.map(audio));
    for (const [i, name] of names.entries()) expect(rows[i].codes, name).toEqual(golden(name));
  });

  test("json of several files is an array", async () => {
    const { stdout } = await uat(["tokenize", speech, audio("short50ms.wav"), ...common, "--format", "json"]);
    expect(JSON.parse(String(stdout)).map((r: { path: string }) => r.path)).toEqual([speech, audio("short50ms.wav")]);
  });

  test("txt: codes separated by blanks", async () => {
    const { stdout } = await uat(["tokenize", speech, ...common, "--format", "txt"]);
    expect(String(stdout)).toBe(`${golden("speech16k.wav").join(" ")}\n`);
  });

  test("npy: [T], by the ending of --out; [B, 1, T] for several", async () => {
    const one = join(folder, "one.npy");
    expect((await uat(["tokenize", speech, ...common, "--out", one])).code).toBe(0);
    const array = readNpy(readFileSync(one));
    expect(array.shape).toEqual([75]);
    expect(Array.from(array.data as Int32Array)).toEqual(golden("speech16k.wav"));
    const { stdout } = await uat(["tokenize", speech, audio("short50ms.wav"), ...common, "--format", "npy"]);
    const batch = readNpy(stdout);
    expect(batch.shape).toEqual([2, 1, 75]);
    expect(Array.from((batch.data as Int32Array).subarray(75, 79))).toEqual([...golden("short50ms.wav"), -1, -1]);
  });

  test("--out writes the very text of standard output, into directories made for it", async () => {
    const out = join(folder, "new/deep/codes.json");
    const { stdout, code } = await uat(["tokenize", speech, ...common, "--out", out]);
    expect(code).toBe(0);
    expect(String(stdout)).toBe("");
    expect(readFileSync(out, "utf8")).toBe(json);
    expect(namesIn(join(folder, "new/deep"))).toEqual(["codes.json"]);
  });
});

describe("--keep-going", () => {
  const cut = join(folder, "cut.flac");
  beforeAll(() => writeFileSync(cut, readFileSync(audio("speech.flac")).subarray(0, 400)));

  test("leaves out and names what cannot be read; the others come as ever, and the exit code is 3", async () => {
    const out = join(folder, "kept.jsonl");
    const args = ["tokenize", speech, cut, audio("stereo44k.wav"), "--keep-going", "--out", out, "--model", model];
    const { code, stderr } = await uat(args);
    expect(code).toBe(3);
    expect(stderr).toMatch(/uat: warning: left out: \S+cut\.flac: .+\n/);
    expect(stderr.trim().split("\n").at(-1)).toBe("uat: 1 of 3 files left out");
    const rows = readFileSync(out, "utf8").trim().split("\n");
    expect(rows.map((row) => JSON.parse(row).path)).toEqual([speech, audio("stereo44k.wav")]);
    expect(JSON.parse(rows[0] as string).codes).toEqual(golden("speech16k.wav"));
  });

  test("without it nothing is written; formats that name no files refuse it", async () => {
    const out = join(folder, "none.jsonl");
    const { code, stderr } = await uat(["tokenize", speech, cut, "--out", out, ...common]);
    expect(code).toBe(2);
    expect(stderr).toContain("cut.flac");
    expect(existsSync(out)).toBe(false);
    const txt = await uat(["tokenize", speech, "--keep-going", "--format", "txt", ...common]);
    expect(txt.stderr).toBe(
      "uat: --keep-going: rows of txt do not name their files; expected --format jsonl or json\n",
    );
  });
});

test("standard input is a file called -", async () => {
  const { stdout, stderr } = await uat(["tokenize", "-", ...common], { input: readFileSync(speech) });
  expect(stderr).toBe("");
  expect(JSON.parse(String(stdout))).toMatchObject({ path: "-", codes: golden("speech16k.wav") });
});

test("progress goes to stderr, and nowhere with --quiet", async () => {
  const { stdout, stderr } = await uat(["tokenize", speech, "--model", model]);
  expect(stderr).toMatch(/speech16k\.wav: 3\.00 s, 75 codes/);
  expect(JSON.parse(String(stdout)).codes).toHaveLength(75);
});

test("other runtimes and channels", async () => {
  const wasm = await uat(["--device", "wasm", "tokenize", speech, ...common, "--threads", "1"]);
  expect(JSON.parse(String(wasm.stdout)).codes).toEqual(golden("speech16k.wav"));
  const second = await uat(["tokenize", audio("stereo44k.wav"), ...common, "--channel", "1"]);
  expect(JSON.parse(String(second.stdout)).codes).toHaveLength(golden("stereo44k.wav").length);
  const q8 = await uat(["tokenize", speech, ...common, "--dtype", "q8"]);
  expect(JSON.parse(String(q8.stdout)).codes).toHaveLength(75);
});

test("arguments of 30 kB, as a shell's *.wav makes them, leave the engine's stack room", async () => {
  const far = `${root}/${"./".repeat(1800)}tests/fixtures/audio/speech16k.wav`;
  const { code, stdout, stderr } = await uat(["tokenize", ...Array.from({ length: 8 }, () => far), ...common]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(String(stdout).trim().split("\n")).toHaveLength(8);
});
