import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseSap } from "@uat/evaluation";
import { directoryFiles, openSafetensorsModel } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { namesIn, speech, uat, workFolder } from "./run-uat.ts";
import { smallDescriber } from "./small-describer.ts";

const { folder, model, remove } = workFolder();
afterAll(remove);
const at = (name: string) => join(folder, name);
const common = ["--quiet", "--threads", "1"];
const codesOf = async (from: string, ...more: string[]) =>
  (
    JSON.parse((await uat(["tokenize", speech, "--model", from, ...common, ...more])).stdout.toString()) as {
      codes: number[];
    }
  ).codes;

describe("a tokenizer", () => {
  const out = at("int8");
  let printed: string;
  beforeAll(async () => {
    const { code, stdout, stderr } = await uat(["quantize", model, "--out", out, "--audio", speech, ...common]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    printed = stdout.toString();
  }, 120_000);

  test("is written in int8, smaller, and loads as any model", async () => {
    expect(namesIn(join(out, "tokenizer"))).toEqual(["config.json", "model.safetensors", "preprocessor_config.json"]);
    const store = await openSafetensorsModel(directoryFiles(join(out, "tokenizer")), "model");
    const int8 = [...store.names()].filter((name) => store.info(name)?.dtype === "I8");
    expect(int8.length).toBeGreaterThan(5);
    for (const name of int8) expect(name).toMatch(/^layers\.\d+\..*weight$/);
    expect(store.info("codebook.weight")?.dtype).not.toBe("I8");
    await store.close();
    const size = (path: string) => statSync(join(path, "tokenizer/model.safetensors")).size;
    expect(size(out)).toBeLessThan(0.7 * size(model));
  });

  test("what is printed of its codes is so", async () => {
    const float = await codesOf(model);
    for (const dtype of ["fp32", "q8"]) {
      const int8 = await codesOf(out, "--dtype", dtype);
      const same = float.filter((code, i) => int8[i] === code).length;
      expect(same).toBeGreaterThan(0);
      expect(printed).toMatch(new RegExp(`--dtype ${dtype} .* ${same} of ${float.length} codes equal`));
    }
  });

  test("stored and multiplied in int8 gives the codes of --dtype q8 on the float model", async () => {
    expect(await codesOf(out, "--dtype", "q8")).toEqual(await codesOf(model, "--dtype", "q8"));
  });
});

describe("a describer", () => {
  let checkpoint: string;
  const out = at("pack");
  beforeAll(async () => {
    checkpoint = await smallDescriber(folder, 2);
    const args = ["quantize", checkpoint, "--part", "describer", "--out", out, "--audio", speech, ...common];
    const { code, stdout, stderr } = await uat(args);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/\d of 1 answers equal/);
  }, 240_000);

  test("becomes a pack that answers, with the tokenizer it was trained with", async () => {
    expect(namesIn(out)).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
    const whole = statSync(join(checkpoint, "tokenizer/model.safetensors")).size;
    expect(statSync(join(out, "model.safetensors")).size).toBeLessThan(0.5 * whole);
    const { code, stdout } = await uat(["describe", speech, "--describer", out, "--model", checkpoint, ...common]);
    expect(code).toBe(0);
    expect(parseSap(stdout.toString())).toBeDefined();
    const store = await openSafetensorsModel(directoryFiles(out), "model");
    expect([...store.names()].filter((name) => /codebook|conv|encoder\.layers\.[01]\./.test(name))).toEqual([]);
    await store.close();
  });

  test("a cut vocabulary has as many merges, and five special tokens", async () => {
    const cut = at("cut");
    const more = ["--part", "describer", "--vocabulary", "20", "--audio", speech];
    expect((await uat(["quantize", checkpoint, "--out", cut, ...more, ...common])).code).toBe(0);
    const { model: bpe, added_tokens } = JSON.parse(readFileSync(join(cut, "tokenizer.json"), "utf8"));
    expect(bpe.merges).toHaveLength(20);
    expect(added_tokens.map((token: { id: number }) => token.id)).toEqual([276, 277, 278, 279, 280]);
    expect(JSON.parse(readFileSync(join(cut, "config.json"), "utf8")).vocab_size).toBe(281);
    const { stdout } = await uat(["describe", speech, "--describer", cut, "--model", checkpoint, ...common]);
    expect(parseSap(stdout.toString())).toBeDefined();
  });

  test("another tokenizer of the same size is told by its codebook", async () => {
    const stranger = await smallDescriber(folder, 3);
    const { code, stderr } = await uat(["describe", speech, "--describer", out, "--model", stranger, ...common]);
    expect(code).toBe(2);
    expect(stderr).toContain("is not the one that the describer");
  });

  test("a damaged pack is refused", async () => {
    const bytes = readFileSync(join(out, "model.safetensors"));
    const config = readFileSync(join(out, "config.json"), "utf8");
    writeFileSync(join(out, "model.safetensors"), bytes.subarray(0, bytes.length / 2));
    const run = () => uat(["describe", speech, "--describer", out, "--model", checkpoint, ...common]);
    expect((await run()).code).toBe(2);
    writeFileSync(join(out, "model.safetensors"), bytes);
    writeFileSync(join(out, "config.json"), config.replace(/"codebook_sha256": "[^"]*"/, '"codebook_sha256": "abc"'));
    const { code, stderr } = await run();
    expect(code).toBe(2);
    expect(stderr).toContain("codebook_sha256");
    writeFileSync(join(out, "config.json"), config);
  });
});

test.each([
  [["--vocabulary", "5"], "expected it with --part describer"],
  [["--audio", "missing.wav"], "missing.wav: no such file"],
  [["--part", "describer"], "holds no describer"],
  [["--out", model], "is an input"],
])("%j is refused", async (options, message) => {
  const args = ["quantize", model, "--out", at("never"), "--audio", speech, ...common, ...options];
  const { code, stderr } = await uat(args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(namesIn(folder)).not.toContain("never");
});
