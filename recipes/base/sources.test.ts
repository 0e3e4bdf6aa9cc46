import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readManifest, type Source } from "./sources.ts";

describe("readManifest", () => {
  const source: Source = {
    name: "x",
    registry: "npm",
    version: "1",
    file: "x.tgz",
    sha256: "0".repeat(64),
    licence: "CC0-1.0",
    use: "train",
    attribution: "x",
  };
  const read = (change: Partial<Source>) => {
    const file = join(mkdtempSync(join(tmpdir(), "manifest-")), "sources.json");
    writeFileSync(file, JSON.stringify({ weights: [{ ...source, ...change }], audio: [] }));
    return readManifest(file);
  };

  it("accepts the manifest of this recipe: every selection compiles and nothing is a benchmark", () => {
    const manifest = readManifest();
    for (const audio of manifest.audio) {
      for (const select of audio.select) {
        expect(() => [new RegExp(select.include), new RegExp(select.exclude ?? "")]).not.toThrow();
        expect(select.minutes).toBeGreaterThan(0);
      }
      expect(audio.name).not.toMatch(/esc-?(10|50)/i);
    }
  });

  it("refuses copyleft code licences and non-commercial audio for training, not for evaluation", () => {
    expect(() => read({ licence: "GPL-2.0-or-later" })).toThrow("may only be used to evaluate");
    expect(() => read({ licence: "CC-BY-NC-4.0" })).toThrow("may only be used to evaluate");
    expect(read({ licence: "GPL-2.0-or-later", use: "evaluate" }).weights).toHaveLength(1);
  });

  it("refuses a source that is not pinned", () => {
    expect(() => read({ sha256: "" })).toThrow('x has sha256 ""');
  });
});
