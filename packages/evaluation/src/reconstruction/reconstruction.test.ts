import { Random } from "@uat/audio";
import type { AudioDecoder, AudioTokenizer } from "universal-audio-tokenizer";
import { expect, test } from "vitest";
import type { MetricNetworks } from "../metrics/metric-networks.ts";
import type { SpeakerEncoder } from "../metrics/speaker-encoder.ts";
import type { EvaluationClip, EvaluationContext, Figure } from "../suite/evaluation.ts";
import { languageCode, type Recognizer } from "./clip-result.ts";
import { reconstructionEvaluation } from "./reconstruction-evaluation.ts";
import { errorRate, rateRise, textErrors } from "./words.ts";

const RATE = 16_000;
const NO_NETWORKS: MetricNetworks = { missing: ["DNSMOS left out: …"], dispose: async () => undefined };

/** Half a second of a voice, whose first sample tells which clip it is. */
function clip(index: number, hz: number, facts: Partial<EvaluationClip>): EvaluationClip {
  const samples = Float32Array.from({ length: RATE / 2 }, (_, i) => {
    const phase = (2 * Math.PI * hz * (i + 0.0001 * i * Math.sin(i / 900))) / RATE;
    return 0.3 * (Math.sin(phase) + 0.5 * Math.sin(2 * phase));
  });
  samples[0] = index / 100;
  const read = async () => ({ samples, seconds: 0.5 });
  return { name: `clip-${index}`, hash: String(index), columns: {}, read, ...facts };
}

const CLIPS = [
  clip(0, 110, { text: "One two three four.", speaker: "a", language: "en-US", columns: { gender: "male" } }),
  clip(1, 220, { text: "Five, six!", speaker: "b", language: "en", columns: { gender: "Female" } }),
  clip(2, 230, { speaker: "b", columns: { gender: "Female" } }),
  clip(3, 120, { text: "...", speaker: "a" }),
];

/** A codec that copies, except clip 1, whose voice it lowers by an octave. */
let decodedIndex = 0;
const tokenizer = {
  async encode({ samples }: { samples: Float32Array }) {
    decodedIndex = Math.round(samples[0]! * 100);
    return { clips: [{ codes: Int32Array.of(decodedIndex) }] };
  },
} as unknown as AudioTokenizer;
const decoder = {
  async decode(codes: Int32Array) {
    const { samples } = await CLIPS[codes[0]!]!.read(RATE);
    const waveform = codes[0] === 1 ? samples.map((_, i) => samples[i >> 1]!) : samples.slice();
    waveform[0] = 0.5 + codes[0]! / 100;
    return { waveform, sampleRate: RATE };
  },
} as unknown as AudioDecoder;

/** Says of originals what they are, of reconstructions something with errors. */
const recognizer: Recognizer = {
  name: "ears",
  async transcribe(samples, language) {
    expect(language).toBe("en");
    const first = Math.round(samples[0]! * 100);
    const texts = ["one two three four", "five 6 seven", "", "noise"];
    return first >= 50 ? ["One too three", "five six", "x", "y"][first - 50]! : texts[first]!;
  },
};

function context(): EvaluationContext & { readonly said: string[]; readonly keys: string[] } {
  const [said, keys]: string[][] = [[], []];
  return {
    said: said!,
    keys: keys!,
    inputs: [],
    seed: 1,
    signal: new AbortController().signal,
    model: { name: "copy", sha256: "", tokenizer: async () => tokenizer, decoder: async () => decoder },
    clips: async () => CLIPS,
    openClip: () => Promise.reject(new Error("not asked for")),
    measure: (async (clips, key, of) => {
      keys!.push(key);
      const rows = [];
      // as it comes back from the disk
      for (const c of clips) rows.push({ clip: c, seconds: 0.5, result: JSON.parse(JSON.stringify(await of(c))) });
      return rows;
    }) as EvaluationContext["measure"],
    remember: (_, compute) => compute(),
    random: () => new Random(1),
    progress: () => undefined,
    note: (line) => said!.push(line),
    warn: (line) => said!.push(line),
  };
}

test("figures, tables and sounds of clips through a codec", async () => {
  const c = context();
  const { sections, facts } = await reconstructionEvaluation({
    networks: NO_NETWORKS,
    recognizer,
    voices: "known",
  }).run(c);
  const figures = new Map(sections.flatMap((s) => s.figures ?? []).map((f: Figure) => [f.id, f]));
  const value = (id: string) => figures.get(id)?.value;

  // clip 0: one substitution and one deletion of 4; clip 1: original one insertion of 2, decoded right; others have no text
  expect(value("wer-original")).toBeCloseTo(100 / 6, 9);
  expect(value("wer")).toBeCloseTo(200 / 6, 9);
  expect(figures.get("wer-rise")).toMatchObject({ n: 2, must: 8, aim: 3, unit: "points" });
  expect(value("wer-rise")).toBeCloseTo(100 / 6, 9);
  // one woman's voice became a man's; the fourth clip has no gender
  expect(figures.get("gender-pitch")).toMatchObject({ n: 3, must: 90 });
  expect(value("gender-pitch")).toBeCloseTo(200 / 3, 9);
  expect(value("gender-pitch-original")).toBe(100);
  expect(value("voicing-error")).toBeLessThan(5);
  expect(figures.has("dnsmos-overall")).toBe(false);
  expect(figures.has("speaker-similarity")).toBe(false);

  expect(c.said).toContain("DNSMOS left out: …");
  expect(c.keys).toEqual(["clip; ears"]);
  expect(facts).toMatchObject({ Recogniser: "ears", "Opinion models": "none" });
  const [bySpeaker, worst] = sections.flatMap((s) => s.tables ?? []);
  expect(bySpeaker!.rows.map((row) => row.slice(0, 5))).toEqual([
    ["a", 2, 0, 50, 50],
    ["b", 2, 50, 0, -50],
    ["All", 4, 16.7, 33.3, 16.7],
  ]);
  expect(worst!.rows.map((row) => [row[0], row.at(-1)])).toEqual([
    ["clip-0", 2],
    ["clip-1", -1],
  ]);
  const players = sections[0]!.players!;
  expect(players.map((p) => p.title).sort()).toEqual(["clip-0", "clip-1"]);
  expect(players[0]!.sounds.map((s) => s.name)).toEqual(["Original", "Reconstruction"]);
});

test("genders by speaker vectors: learnt from the list's speakers too", async () => {
  // a "speaker encoder" that hears the zero crossings
  const embed = async (samples: Float32Array) =>
    Float32Array.of(samples.filter((x, i) => i > 1 && x > 0 !== samples[i - 1]! > 0).length / 10, 1);
  const speakerEncoder = { name: "crossings", network: { embed } as unknown as SpeakerEncoder };
  const teachers = [
    clip(4, 100, { speaker: "c", columns: { gender: "m" } }),
    clip(5, 210, { speaker: "d", columns: { gender: "f" } }),
    clip(6, 210, { speaker: "nobody's gender" }),
  ];
  const networks = { ...NO_NETWORKS, speakerEncoder };
  const figuresOf = async (genderTeachers?: () => Promise<EvaluationClip[]>) => {
    const { sections, facts } = await reconstructionEvaluation({ networks, genderTeachers }).run(context());
    return { figures: new Map(sections[0]!.figures!.map((f) => [f.id, f.value])), facts };
  };
  expect((await figuresOf()).figures.has("gender-voice")).toBe(false);
  const { figures, facts } = await figuresOf(async () => teachers);
  expect(figures.get("gender-voice-original")).toBe(100);
  expect(figures.get("gender-voice")).toBeCloseTo(200 / 3, 9);
  expect(facts).toMatchObject({ "Speakers that genders are learnt from": 4 });
  await expect(figuresOf(async () => [teachers[2]!])).rejects.toThrow("no clip has both speaker and gender");
});

test("without a recogniser the words are left out, and the clips still have sounds", async () => {
  const c = context();
  const { sections } = await reconstructionEvaluation({ networks: NO_NETWORKS }).run(c);
  expect(sections).toHaveLength(1);
  expect(sections[0]!.figures!.some((f) => f.id.startsWith("wer"))).toBe(false);
  expect(c.said.some((line) => line.includes("--whisper DIR"))).toBe(true);
  expect(sections[0]!.players).toHaveLength(4);
});

test("errors of texts: all clips as one", () => {
  const row = (text: string | undefined, original: string, decoded: string) => ({
    clip: clip(0, 100, { text }),
    result: { heard: { original, decoded } } as never,
  });
  const errors = textErrors([
    row("a b c d", "a b c d", "a x c"),
    row("twenty one", "21", "21 1"),
    row(undefined, "x", "y"),
  ]);
  expect(errors).toHaveLength(2);
  expect(errorRate(errors, "words", "original")).toBe(0);
  expect(rateRise(errors, "words")).toBeCloseTo((100 * 3) / 5, 9);
  expect(errorRate([], "words", "decoded")).toBeNaN();
});

test("language codes", () => {
  expect(["en-US", "DE", "zh_CN", undefined, " "].map(languageCode)).toEqual(["en", "de", "zh", "en", "en"]);
});
