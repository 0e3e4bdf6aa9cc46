import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { modelDigest } from "./model-digest.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-digest-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(["tokenizer", "decoder", "reader", ""])(
  "weights in %j are told apart, what lies beside them is not",
  async (part) => {
    const model = join(folder, part || "root");
    mkdirSync(join(model, part), { recursive: true });
    const write = (text: string) => writeFileSync(join(model, part, "model.safetensors"), text);
    write("one");
    const one = (await modelDigest(model)).sha256;
    write("two");
    expect((await modelDigest(model)).sha256).not.toBe(one);
    write("one");
    mkdirSync(join(model, "training"));
    writeFileSync(join(model, "training", "state.json"), "{}");
    const again = await modelDigest(model);
    expect(again.sha256).toBe(one);
    expect(again.files.map(({ path }) => path)).toEqual([join(part, "model.safetensors")]);
  },
);
