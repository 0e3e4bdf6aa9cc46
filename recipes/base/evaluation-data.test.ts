import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readClassRules, SOUND_SETS } from "./sounds/evaluation-sounds.ts";
import { readInstruments } from "./sounds/instruments.ts";
import { readSoundRules, ruleOf } from "./sounds/sound-rules.ts";
import { readManifest } from "./sources/sources.ts";
import { readingPlan, readSentences } from "./speech/evaluation-speech.ts";
import { readVoiceRules } from "./speech/recordings.ts";
import { HELD_OUT_VOICES, VOICES } from "./speech/speak.ts";
import { plainSentences } from "./speech/texts.ts";

const manifest = readManifest();
const use = (name: string) => manifest.audio.find((source) => source.name === name)?.use;

describe("what measures and what trains", () => {
  it("trains on no package that measures, and measures on none that trains", () => {
    for (const { source } of [...readSoundRules(), ...readVoiceRules()]) expect(use(source), source).toBe("train");
    for (const { source } of readClassRules()) expect(use(source), source).toBe("evaluate");
  });

  it("chooses on other packages than it measures on", () => {
    const [evaluation, development] = SOUND_SETS.map(
      (set) => new Set(readClassRules().flatMap((rule) => (rule.set === set ? [rule.source] : []))),
    );
    for (const source of development!) expect(evaluation).not.toContain(source);
    expect(
      new Set(readClassRules().flatMap((r) => (r.set === "evaluation" ? [r.label] : []))).size,
    ).toBeGreaterThanOrEqual(20);
  });

  it("has sentences that no training text holds, each in one set", () => {
    const sentences = readSentences();
    expect(new Set(sentences).size).toBe(sentences.length);
    const trained = new Set(plainSentences(2200));
    for (const sentence of sentences) expect(trained).not.toContain(sentence);
    const { evaluation, development } = readingPlan(sentences);
    expect(evaluation.every(({ text }) => text !== undefined)).toBe(true);
    const chosen = new Set(development.map(({ text }) => text));
    for (const { text } of evaluation) expect(chosen).not.toContain(text);
    expect(new Set(evaluation.map(({ path }) => path)).size).toBe(evaluation.length);
  });

  it("keeps the held-out voices out of training and reads with them", () => {
    const voices = new Set(readingPlan(readSentences()).evaluation.map(({ voice }) => voice));
    for (const voice of HELD_OUT_VOICES) {
      expect(VOICES).not.toContain(voice);
      expect(voices).toContain(voice);
    }
  });
});

describe("tables of names", () => {
  it("are read whole: labels are words, numbers are those of General MIDI", () => {
    for (const { kind, label, phrase } of readSoundRules()) {
      if (kind === "none") continue;
      expect(label).toMatch(/^[A-Za-z][A-Za-z' -]+$/);
      expect(phrase.length).toBeGreaterThan(2);
    }
    for (const { low, high } of readInstruments()) expect(low).toBeLessThanOrEqual(high);
  });

  it("tell a file's sound by the first row that fits", () => {
    const own = readSoundRules().filter(({ source }) => source === "0ad-data");
    expect(ruleOf(own, "audio/ambient/weather/rain_01.ogg")?.label).toBe("rain");
    expect(ruleOf(own, "audio/resource/lumbering/lumber_treeexpire_01.ogg")?.label).toBe("tree falling");
    expect(ruleOf(own, "art/textures/skins/x.dds")).toBeUndefined();
    const samples = readSoundRules().filter(({ source }) => source === "supersonic-scsynth-samples");
    expect(ruleOf(samples, "package/samples/loop_amen.flac")).toBeUndefined();
  });

  it("refuse a row of no known kind", () => {
    const file = join(mkdtempSync(join(tmpdir(), "rules-")), "labels.tsv");
    writeFileSync(file, "source\tpattern\tkind\tlabel\tphrase\nx\ty\tnoise\tl\tp\n");
    expect(() => readSoundRules(file)).toThrow('line 2: kind "noise"');
  });
});
