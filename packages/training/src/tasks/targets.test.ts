import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { byteTokenizer } from "./byte-tokenizer.ts";
import { encodeTarget, IGNORED_LABEL, targetText } from "./targets.ts";
import { TASKS, type Task } from "./tasks.ts";

const tokenizer = byteTokenizer();
const options = { row: "list.jsonl:3", maxTargetPositions: 200 };
const answer = {
  transcription: "Hello.",
  paralinguistics: { age: "Adult", gender: null, emotion: "Irritation", accent: null, prosody: "fast", timbre: null },
  nonLinguisticEvents: {
    description: null,
    discreteEvents: [{ characteristic: "near", label: "dog bark" }],
    continuousEvents: [],
  },
};
const canonical =
  '{"transcription":"Hello.","paralinguistics":{"age":"Adult","gender":null,"emotion":"Anger","accent":null,' +
  '"prosody":"fast","timbre":null},"nonLinguisticEvents":{"description":null,' +
  '"discreteEvents":[{"label":"dog bark","characteristic":"near"}],"continuousEvents":[]}}';
const text: Record<Task, string> = {
  asr: "So it goes.",
  ser: "Excitement",
  caption: "A dog barks.",
  sap: `\`\`\`json\n${JSON.stringify(answer, null, 2)}\n\`\`\``,
};
const written: Record<Task, string> = { ...text, ser: "Happiness", sap: canonical };

test.each(TASKS)("%s: start token, text, end token, shifted by one", (task) => {
  const { decoder_input_ids, labels, truncated, masked } = encodeTarget(tokenizer, task, text[task], options);
  expect(decoder_input_ids[0]).toBe(tokenizer.start(task));
  expect(labels.at(-1)).toBe(tokenizer.end);
  expect([...labels.slice(0, -1)]).toEqual([...decoder_input_ids.slice(1)]);
  expect(tokenizer.answer([...labels])).toBe(written[task]);
  expect([truncated, masked]).toEqual([false, false]);
});

test("text longer than the decoder is cut, or refused by the row's name", () => {
  const whole = encodeTarget(tokenizer, "asr", text.asr, options);
  const length = whole.labels.length;
  const fits = { ...options, maxTargetPositions: length, longText: "error" as const };
  expect(encodeTarget(tokenizer, "asr", text.asr, fits)).toEqual(whole);
  const cut = encodeTarget(tokenizer, "asr", text.asr, { ...options, maxTargetPositions: length - 1 });
  expect(cut).toEqual({
    decoder_input_ids: whole.decoder_input_ids.slice(0, -1),
    labels: whole.labels.slice(0, -1),
    truncated: true,
    masked: false,
  });
  expect(() => encodeTarget(tokenizer, "asr", text.asr, { ...fits, maxTargetPositions: length - 1 })).toThrow(
    `list.jsonl:3: its text has ${length - 1} tokens and an end; the decoder has ${length - 1} positions`,
  );
});

test("rows with short text are masked out, emotions never", () => {
  const short = (task: Task, words: string, minTextLength: number) =>
    encodeTarget(tokenizer, task, words, { ...options, minTextLength });
  expect(short("asr", " no ", 2).masked).toBe(false);
  const { masked, labels, decoder_input_ids } = short("asr", " no ", 3);
  expect(masked).toBe(true);
  expect(labels.every((label) => label === IGNORED_LABEL)).toBe(true);
  expect(decoder_input_ids).toEqual(short("asr", " no ", 0).decoder_input_ids);
  expect(short("ser", "Fear", 10).masked).toBe(false);
  expect(short("caption", "", 0).labels).toEqual([tokenizer.end]);
});

test.each<[Task, string, string]>([
  ["ser", "happines", 'list.jsonl:3: its label "happines" is no emotion (did you mean Happiness?); after <|emotion|>'],
  ["ser", "42", "expected Anger, Disgust, Fear, Happiness, Neutral, Sadness, Surprise"],
  ["ser", "\u001b[2J", 'label " [2J"'],
  ["sap", "{}", 'list.jsonl:3: its text "{}" is no SAP answer'],
  ["sap", canonical.replace('"Adult"', '"Old"'), "no SAP answer"],
])("a %s label outside the vocabulary: %s", (task, label, message) => {
  expect(() => encodeTarget(tokenizer, task, label, options)).toThrow(message);
});

test("every valid answer of the reference samples has one canonical text", () => {
  const url = new URL("../../../../tests/fixtures/metrics/sap.json", import.meta.url);
  const { samples } = JSON.parse(readFileSync(url, "utf8")) as {
    samples: { name: string; input: string; valid: boolean; data: unknown }[];
  };
  for (const { input, valid, data, name } of samples) {
    if (valid) expect(JSON.parse(targetText("sap", input, name)), name).toEqual(data);
    else if (typeof input === "string") expect(() => targetText("sap", input, name)).toThrow(name);
  }
});
