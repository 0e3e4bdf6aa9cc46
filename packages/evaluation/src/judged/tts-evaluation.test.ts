import { afterEach, beforeEach, expect, test } from "vitest";
import { figureOf, resultsFolder, runPart } from "./run-part.test-helper.ts";
import { type TtsOptions, ttsEvaluation } from "./tts-evaluation.ts";
import { parseTtsList } from "./tts-list.ts";

let results: ReturnType<typeof resultsFolder>;
beforeEach(() => {
  results = resultsFolder();
});
afterEach(() => results.remove());

const LIST = "u1|p|p1.wav|It costs $5.\nu2|p|p2.wav|Two words\nu3|p|p1.wav|never made";
/** What is "heard" in a clip stands in its first samples. */
const files = {
  "list/p1.wav": Float32Array.of(1, 0, 0),
  "list/p2.wav": Float32Array.of(0, 1, 0),
  "made/u1.wav": Float32Array.of(3, 4, 0.5),
  "made/u2.wav": Float32Array.of(0, 2, 0.25),
};
const texts = new Map([
  [0.5, "it costs five dollars"],
  [0.25, "too words again"],
]);

function part(more: Partial<TtsOptions> = {}) {
  const calls = { ears: 0, voices: 0, taste: 0 };
  /** A network that counts how often it is asked. */
  const network = <T>(name: keyof typeof calls, measure: (samples: Float32Array) => T) => ({
    name,
    sampleRate: 16_000,
    measure: async (samples: Float32Array) => {
      calls[name]++;
      return measure(samples);
    },
  });
  const evaluation = ttsEvaluation({
    lines: parseTtsList(LIST, "meta.lst"),
    language: "en",
    locatePrompt: (prompt) => `list/${prompt}`,
    locateSpeech: (id) => `made/${id}.wav`,
    recognizer: network("ears", (samples) => texts.get(samples[2]!)!),
    speakerEncoder: network("voices", (samples) => samples.subarray(0, 2)),
    opinion: network("taste", (samples) => 4 * samples[2]!),
    ...more,
  });
  return { evaluation, calls };
}

const run = ({ evaluation }: ReturnType<typeof part>) => runPart(evaluation, { files, results: results.path });

test("words, voices and opinions, beside the published ones", async () => {
  const first = part();
  const { task, warnings } = await run(first);
  // "$5" is "five dollars"; one substitution and one insertion in six words
  expect(figureOf(task, "wer")).toMatchObject({ value: expect.closeTo((100 * 2) / 6, 9), n: 2, of: "lines" });
  // cosines .6 and 1
  expect(figureOf(task, "similarity")!.value).toBeCloseTo(0.8, 9);
  expect(figureOf(task, "opinion")).toMatchObject({ value: 1.5 });
  expect(task.sections[0]!.published).toMatchObject({
    ttsMosEnglish: 1.5,
    ttsWerEnglish: expect.closeTo((100 * 2) / 6, 9),
  });
  expect(task.facts).toMatchObject({ Recogniser: "ears", "Speaker encoder": "voices", "Opinion model": "taste" });
  expect(warnings).toEqual([expect.stringMatching(/1 of 3 lines have no recording \(made\/u3\.wav: no such file/)]);
  expect(task.sections[0]!.notes!.at(-1)).toMatch(/1 lines have no recording and are left out: u3\./);
  expect(task.sections[0]!.players).toHaveLength(2);
  expect(first.calls).toEqual({ ears: 2, voices: 4, taste: 2 });
  const again = part();
  expect((await run(again)).task.sections).toEqual(task.sections);
  expect(again.calls).toEqual({ ears: 0, voices: 0, taste: 0 });
});

test("only what there are networks for", async () => {
  const { task } = await run(part({ speakerEncoder: undefined, opinion: undefined, language: "fr" }));
  expect(task.sections[0]!.figures.map(({ id }) => id)).toEqual(["wer"]);
  expect(task.sections[0]!.published ?? {}).toEqual({});
  const none = part({ speakerEncoder: undefined, opinion: undefined, recognizer: undefined });
  await expect(run(none)).rejects.toThrow(/nothing is to be measured/);
  await expect(run(part({ locateSpeech: (id) => `elsewhere/${id}.wav` }))).rejects.toThrow(/no line has its recording/);
  await expect(run(part({ locatePrompt: (prompt) => prompt }))).rejects.toThrow(/p1\.wav: no such file/);
});
