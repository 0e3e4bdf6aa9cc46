import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ChatEndpoint } from "./chat-endpoint.ts";
import { type ChatReply, type ChatRequest, type ChatServer, startChatServer } from "./chat-server.test-helper.ts";
import { benchmarkOf, parseQuestions } from "./questions.ts";
import { figureOf, resultsFolder, runPart } from "./run-part.test-helper.ts";
import { TOKEN_TEXT, understandingEvaluation } from "./understanding-evaluation.ts";

const MMAU = [
  {
    id: "1",
    audio_id: "./a.wav",
    question: "What barks?",
    choices: ["a dog", "a cat"],
    answer: "a dog",
    task: "sound",
    category: "Reasoning",
    difficulty: "easy",
  },
  {
    id: "2",
    audio_id: "./a.wav",
    question: "How often?",
    choices: ["once", "twice", "never"],
    answer: "twice",
    task: "sound",
    category: "Counting",
  },
  {
    id: "3",
    audio_id: "./b.wav",
    question: "Who speaks?",
    choices: ["a man", "a woman"],
    answer: "a woman",
    task: "speech",
  },
];
const MMAR = [
  {
    id: "x",
    audio_path: "./audio/x.wav",
    question: "Why?",
    choices: ["so", "no"],
    answer: "so",
    modality: "mix-sound-speech",
    category: "Semantic Layer",
  },
];
const MMSU = [
  {
    id: "m",
    task_name: "intonation",
    audio_path: "m.wav",
    question: "Is it a question?",
    choice_a: "Yes",
    choice_b: "No",
    choice_c: "",
    choice_d: null,
    answer_gt: "No",
    category: "Perception",
  },
];

describe("questions", () => {
  test("of the three layouts", () => {
    expect([MMAU, MMAR, MMSU].map(benchmarkOf)).toEqual(["mmau", "mmar", "mmsu"]);
    expect(benchmarkOf([{ question: "?" }])).toBeUndefined();
    expect(parseQuestions(MMAU, "mmau", "l")[1]).toEqual({
      id: "2",
      audio: "./a.wav",
      question: "How often?",
      choices: ["once", "twice", "never"],
      answer: 1,
      group: "sound",
      categories: { task: "sound", category: "Counting" },
    });
    expect(parseQuestions(MMAR, "mmar", "l")[0]).toMatchObject({
      audio: "./audio/x.wav",
      answer: 0,
      group: "mix-sound-speech",
    });
    expect(parseQuestions(MMSU, "mmsu", "l")[0]).toMatchObject({
      choices: ["Yes", "No"],
      answer: 1,
      group: "perception",
    });
  });

  test("with letters, and choices as text", () => {
    const row = { audio: "a", question: "q", choices: '["(A) red", "(B) blue"]', answer: "(B) blue" };
    expect(parseQuestions([row], "mmau", "l")[0]).toMatchObject({
      id: "1",
      choices: ["red", "blue"],
      answer: 1,
      group: "other",
    });
    expect(parseQuestions([{ ...row, answer: "A" }], "mmau", "l")[0]!.answer).toBe(0);
  });

  test.each([
    [[], /holds no questions/],
    [[7], /row 1: is no object/],
    [[{ ...MMAU[0], question: " " }], /row 1: no question/],
    [[MMAU[0], { ...MMAU[1], audio_id: 5 }], /row 2: no audio; expected text in audio_path, audio_id/],
    [[{ ...MMAU[0], choices: ["one"] }], /no choices; expected two to 26/],
    [[{ ...MMAU[0], choices: [{}, {}] }], /no choices/],
    [[{ ...MMAU[0], choices: "a, b" }], /no choices/],
    [[{ ...MMAU[0], answer: "a cow" }], /the answer is none of the choices/],
    [[{ ...MMAU[0], answer: "C" }], /the answer is none of the choices/],
    [[{ ...MMAU[0], answer: undefined }], /the answer is none of the choices/],
  ])("that cannot be asked: %#", (rows, message) =>
    expect(() => parseQuestions(rows, "mmau", "list.json")).toThrow(message),
  );
});

let results: ReturnType<typeof resultsFolder>;
let server: ChatServer | undefined;
beforeEach(() => {
  results = resultsFolder();
});
afterEach(async () => {
  results.remove();
  await server?.close();
});

const tone = (hz: number) =>
  Float32Array.from({ length: 16_000 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hz * i) / 16_000));
const files = { "clips/a.wav": tone(300), "clips/b.wav": tone(900) };

const SOUNDS = {
  benchmark: "mmau",
  questions: parseQuestions(MMAU, "mmau", "l"),
  locate: (audio: string) => audio.replace("./", "clips/"),
  presentation: { as: "audio" },
} as const;

async function part(
  reply: (request: ChatRequest) => ChatReply,
  more: Partial<Parameters<typeof understandingEvaluation>[0]> = {},
) {
  await server?.close();
  server = await startChatServer(reply);
  return understandingEvaluation({
    ...SOUNDS,
    endpoint: new ChatEndpoint({ url: server.url, model: "hears", firstDelay: 0.001, concurrency: 2 }),
    ...more,
  });
}

const run = (evaluation: Awaited<ReturnType<typeof part>>) => runPart(evaluation, { files, results: results.path });

test("the sound itself is sent; accuracy by group, category and overall; nothing is asked twice", async () => {
  const reply = ({ text }: ChatRequest) =>
    text.includes("barks") ? "(A)" : text.includes("often") ? "It happens twice." : "A man, or a woman?";
  const { task } = await run(await part(reply));
  expect(figureOf(task, "accuracy")).toMatchObject({ value: (100 * 2) / 3, n: 3, of: "questions" });
  expect(figureOf(task, "accuracy-sound")).toMatchObject({ value: 100, n: 2 });
  expect(figureOf(task, "accuracy-speech")).toMatchObject({ value: 0, n: 1 });
  expect(task.sections[0]!.published).toEqual({ mmauOverall: (100 * 2) / 3, mmauSound: 100, mmauSpeech: 0 });
  expect(task.sections[0]!.tables![0]!.rows).toContainEqual(["category", "Counting", 1, 1, 100]);
  expect(task.sections[0]!.notes).toEqual([
    "Guessing would be right in 44.4 %.",
    expect.stringMatching(/^1 answers named no choice/),
    expect.anything(),
  ]);
  const question = server!.requests.find(({ text }) => text.includes("often"))!;
  expect(question).toMatchObject({ model: "hears", temperature: 0 });
  expect(question.text).toBe(
    "<wav 32044 bytes>\nHow often?\n(A) once\n(B) twice\n(C) never\nAnswer with the letter of the right choice alone.",
  );
  expect(task.model).toBeUndefined();
  await run(understandingEvaluation({ ...SOUNDS, endpoint: new ChatEndpoint({ url: server!.url, model: "hears" }) }));
  expect(server!.requests).toHaveLength(3);
});

test("the codes as text, by the templates", async () => {
  const evaluation = await part(() => "B", {
    presentation: { ...TOKEN_TEXT, as: "tokens", token: "<{code}>", clip: "[$& {tokens}]" },
  });
  const { task } = await run(evaluation);
  expect(figureOf(task, "accuracy")).toMatchObject({ value: (100 * 2) / 3 });
  expect(task.model?.name).toMatch(/uniaudio/);
  const [first] = server!.requests[0]!.text.split("\n");
  // 25 codes of one second
  expect(first).toMatch(/^\[\$& (<\d{1,3}>){25}\]$/);
  const other = server!.requests.find(({ text }) => text.includes("Who speaks"))!.text.split("\n")[0];
  expect(other).not.toBe(first);
});

test("templates without a place for what they show", async () => {
  const tokens = (token: string, clip: string) => part(() => "A", { presentation: { as: "tokens", token, clip } });
  await expect(run(await tokens("<code>", "{tokens}"))).rejects.toThrow(/token template "<code>" has no \{code\}/);
  await expect(run(await tokens("{code}", "audio"))).rejects.toThrow(/clip template "audio" has no \{tokens\}/);
});

test("a question that is refused is a wrong answer; a clip that is missing ends the run", async () => {
  const reply = ({ text }: ChatRequest): ChatReply => (text.includes("often") ? { status: 413 } : "B");
  const { task, warnings } = await run(await part(reply));
  expect(figureOf(task, "accuracy")).toMatchObject({ value: 100 / 3, n: 3 });
  expect(warnings).toEqual([expect.stringMatching(/^question 2: .*answered 413.*it counts as wrong/)]);
  const missing = await part(() => "A", { locate: (audio) => audio });
  await expect(run(missing)).rejects.toThrow(/\.\/a\.wav: no such file/);
});
