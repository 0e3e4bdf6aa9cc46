import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allSources, type Manifest, readManifest, type Source } from "./sources.ts";

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
  const read = (change: Partial<Source>, list: keyof Manifest = "weights") => {
    const file = join(mkdtempSync(join(tmpdir(), "manifest-")), "sources.json");
    const empty = { weights: [], voices: [], metrics: [], texts: [], audio: [] };
    writeFileSync(file, JSON.stringify({ ...empty, [list]: [{ ...source, ...change }] }));
    return readManifest(file);
  };

  it("accepts the manifest of this recipe: every selection compiles and nothing is a benchmark", () => {
    const manifest = readManifest();
    for (const audio of manifest.audio) {
      for (const select of audio.select ?? []) {
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

  it.each(["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-3.0", "MIT", "Apache-2.0", "public-domain"])("trains on %s", (licence) => {
    expect(read({ licence }, "audio").audio).toHaveLength(1);
  });

  it.each(["weights", "voices", "metrics", "texts", "audio"] as const)("looks at every list: %s", (list) => {
    for (const licence of [
      "GPL-2.0-or-later",
      "GFDL-1.3",
      "CC-BY-ND-4.0",
      "CC-BY-NC-SA-4.0",
      "UNKNOWN",
      "",
      "MIT AND GPL-3.0",
    ]) {
      expect(() => read({ licence }, list), licence).toThrow("may only be used to evaluate");
    }
  });

  it("names every source once, and every file once", () => {
    const sources = allSources(readManifest());
    expect(new Set(sources.map(({ name }) => name)).size).toBe(sources.length);
    expect(new Set(sources.map(({ file }) => file)).size).toBe(sources.length);
  });

  it("refuses a source that is not pinned", () => {
    expect(() => read({ sha256: "" })).toThrow('x has sha256 ""');
  });
});
