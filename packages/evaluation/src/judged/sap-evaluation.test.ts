import { formatSap, type SapAnswer } from "universal-audio-tokenizer/internal";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ChatEndpoint } from "./chat-endpoint.ts";
import { type ChatReply, type ChatRequest, type ChatServer, startChatServer } from "./chat-server.test-helper.ts";
import { figureOf, resultsFolder, runPart } from "./run-part.test-helper.ts";
import { sapEvaluation } from "./sap-evaluation.ts";
import { majority, meanScore } from "./sap-judge.ts";

const NOBODY = { age: null, gender: null, emotion: null, accent: null, prosody: null, timbre: null };
const event = (label: string) => ({ label, characteristic: "loud" });

function sap(
  transcription: string | null,
  speaker: Partial<SapAnswer["paralinguistics"]> = {},
  discrete: readonly string[] = [],
  continuous: readonly string[] = [],
): string {
  return formatSap({
    transcription,
    paralinguistics: { ...NOBODY, ...speaker },
    nonLinguisticEvents: {
      description: discrete.length + continuous.length > 0 ? "sounds" : null,
      discreteEvents: discrete.map(event),
      continuousEvents: continuous.map(event),
    },
  });
}

const clips = [
  {
    name: "a.wav",
    columns: {
      sap: sap(
        "one two three four",
        { gender: "Female", age: "Adult", emotion: "Anger", accent: "British" },
        ["Dogs"],
        ["rain"],
      ),
      guess: sap(
        "one too three",
        { gender: "Female", age: "Child", emotion: "Anger", accent: "from London" },
        ["a dog"],
        ["wind"],
      ),
    },
  },
  {
    name: "folder/b.wav",
    columns: {
      sap: sap("Hello there", { gender: "Male", accent: "American", timbre: "deep" }, ["rain"]),
      guess: sap(
        "hello, there!",
        { gender: "Female", accent: "British", timbre: "deep and dark" },
        [],
        ["the rain", "rain"],
      ),
    },
  },
  { name: "c.wav", columns: { sap: sap(null), guess: sap(null) } },
  { name: "d.wav", columns: { sap: sap("never heard", {}, ["horn"]), guess: "I hear a horn." } },
  { name: "without a reference.wav", columns: { guess: sap("whatever") } },
];

let results: ReturnType<typeof resultsFolder>;
let server: ChatServer | undefined;
beforeEach(() => {
  results = resultsFolder();
});
afterEach(async () => {
  results.remove();
  await server?.close();
});

async function judge(reply: (request: ChatRequest) => ChatReply, concurrency = 2): Promise<ChatEndpoint> {
  await server?.close();
  server = await startChatServer(reply);
  return new ChatEndpoint({ url: server.url, model: "judge", firstDelay: 0.001, timeout: 10, concurrency });
}

const run = (options: Omit<Parameters<typeof sapEvaluation>[0], "predictions"> = {}, of = clips) =>
  runPart(sapEvaluation({ predictions: { column: "guess" }, ...options }), { clips: of, results: results.path });

test("facts and events, without a judge", async () => {
  const { task } = await run();
  const value = (id: string) => figureOf(task, id);
  expect(value("valid")).toMatchObject({ value: 75, n: 4, must: 95 });
  // one substitution and one deletion in six words
  expect(value("wer")).toMatchObject({ value: expect.closeTo((100 * 2) / 6, 9), n: 2 });
  expect(value("gender")).toMatchObject({ value: expect.closeTo((100 * 2) / 3, 9), n: 3 });
  expect(value("age")!.value).toBeCloseTo((100 * 2) / 3, 9);
  expect(value("emotion")).toMatchObject({ value: 100, n: 3 });
  expect(value("transcribed")).toMatchObject({ value: expect.closeTo((100 * 2) / 3, 9), n: 3 });
  // references: dog, rain; rain. predictions: dog, wind; rain
  expect(value("event-recall")).toMatchObject({ value: expect.closeTo((100 * 2) / 3, 9), n: 3, of: "labels" });
  expect(value("event-precision")).toMatchObject({ value: expect.closeTo((100 * 2) / 3, 9), n: 3 });
  expect(value("accent")).toBeUndefined();
  expect(task.sections.at(-1)!.notes![0]).toMatch(/need a judge/);
  const table = task.sections.flatMap(({ tables }) => tables ?? [])[0]!;
  expect(table.rows).toContainEqual(["rain", 2, 1, 1, 50, 100]);
  expect(table.rows).toContainEqual(["wind", 0, 1, 0, null, 0]);
});

test("the judge is asked three times, only where both sides say something, and never twice", async () => {
  const votes = ["yes", "no", "Yes."];
  const asked = new Map<string, number>();
  const reply = ({ text }: ChatRequest) => {
    const n = asked.get(text) ?? 0;
    asked.set(text, n + 1);
    if (text.includes("whole number")) return ["7", "8/10", "9"][n % 3] as string;
    return text.includes("London") || text.includes("dark") ? (votes[n % 3] as string) : "no";
  };
  const { task } = await run({ judge: await judge(reply) });
  // a: yes by two to one; b: no; c: null on both sides
  expect(figureOf(task, "accent")).toMatchObject({ value: expect.closeTo((100 * 2) / 3, 9), n: 3 });
  expect(figureOf(task, "timbre")).toMatchObject({ value: 100, n: 3 });
  expect(figureOf(task, "prosody")).toMatchObject({ value: 100, n: 3 });
  // c has no events on either side
  expect(figureOf(task, "event-score")!.value).toBeCloseTo((8 + 8 + 10) / 3, 9);
  expect([...asked.values()]).toEqual([3, 3, 3, 3, 3]);
  expect(server!.requests.every(({ temperature }) => temperature === 0.2)).toBe(true);
  expect(task.facts.Judge).toMatch(/^judge at http:/);

  const again = await run({ judge: new ChatEndpoint({ url: server!.url, model: "judge" }) });
  expect(server!.requests).toHaveLength(15);
  expect(again.task.sections).toEqual(task.sections);
  await run({ judge: new ChatEndpoint({ url: server!.url, model: "another" }) });
  expect(server!.requests).toHaveLength(30);
});

test("answers of another form are asked for again, then left out and counted", async () => {
  let n = 0;
  const reply = ({ text }: ChatRequest) => {
    if (text.includes("whole number")) return n++ % 2 === 0 ? "Great!" : "6";
    return "It depends.";
  };
  const { task } = await run({ judge: await judge(reply, 1) });
  expect(figureOf(task, "event-score")!.value).toBeCloseTo((6 + 6 + 10) / 3, 9);
  // only the clip without an accent on either side is left
  expect(figureOf(task, "accent")).toMatchObject({ value: 100, n: 1 });
  expect(task.sections.at(-1)!.notes).toContainEqual(expect.stringMatching(/^accent: .* no verdict on 2 clips/));
  // two accents, one timbre, three votes each, three times
  expect(server!.requests.filter(({ text }) => !text.includes("whole number"))).toHaveLength(27);
});

test("a judge that fails ends the run; the next one goes on from the votes that there are", async () => {
  let broken = true;
  const reply = ({ index }: ChatRequest): ChatReply => (broken && index >= 4 ? { status: 500 } : "5");
  const endpoint = await judge((request) => (request.text.includes("whole number") ? reply(request) : "yes"), 1);
  const failed = await run({ judge: endpoint }).catch((error) => error);
  expect(failed).toMatchObject({ isInputError: true, message: expect.stringMatching(/answered 500, 6 times/) });
  const before = server!.requests.length;
  broken = false;
  const { task } = await run({ judge: endpoint });
  expect(figureOf(task, "accent")).toMatchObject({ value: 100, n: 3 });
  // the yes/no votes were kept
  expect(server!.requests.slice(before).every(({ text }) => text.includes("whole number"))).toBe(true);
});

test("a description that the endpoint refuses leaves its clip without a verdict", async () => {
  const reply = ({ text }: ChatRequest): ChatReply =>
    text.includes("London") ? { status: 400, body: "filtered" } : text.includes("whole number") ? "3" : "yes";
  const { task, warnings } = await run({ judge: await judge(reply, 1) });
  expect(figureOf(task, "accent")).toMatchObject({ value: 100, n: 2 });
  expect(warnings).toEqual([expect.stringMatching(/^a\.wav: .*answered 400 "filtered"/)]);
});

test("predictions from a file, by name or by the last part of it, as text or JSON", async () => {
  const byClip = new Map<string, unknown>([
    ["a.wav", JSON.parse(clips[0]!.columns.guess)],
    ["b.wav", clips[1]!.columns.guess],
  ]);
  const { task, warnings } = await run({ predictions: { byClip } } as never);
  expect(figureOf(task, "valid")).toMatchObject({ value: 50, n: 4 });
  expect(figureOf(task, "wer")).toMatchObject({ value: expect.closeTo((100 * 2) / 6, 9) });
  expect(warnings[0]).toMatch(/2 of 4 clips have no prediction \(c\.wav/);
});

test("descriptions made now", async () => {
  const heard: number[] = [];
  const describe = async ({ samples, sampleRate }: { samples: Float32Array; sampleRate: number }) => {
    heard.push(samples.length, sampleRate);
    return clips[0]!.columns.sap!;
  };
  const predictions = { describe, describer: "small, sha256 12", sampleRate: 16_000 };
  const of = [{ ...clips[0]!, samples: new Float32Array(1600) }];
  const { task } = await run({ predictions } as never, of);
  expect(figureOf(task, "wer")).toMatchObject({ value: 0, n: 1 });
  expect(heard).toEqual([1600, 16_000]);
  await run({ predictions } as never, of);
  expect(heard).toHaveLength(2);
});

test("what cannot be scored", async () => {
  await expect(run({ reference: "truth" })).rejects.toThrow(/no clip has a reference in a column "truth"/);
  const bad = [{ name: "x.wav", columns: { sap: '{"transcription": 1}', guess: "" } }];
  await expect(run({}, bad as never)).rejects.toThrow(/x\.wav: column "sap" is no valid SAP JSON/);
  await expect(run({ predictions: { column: "none" } } as never)).rejects.toThrow(
    /no clip has a prediction in a column/,
  );
  await expect(run({ predictions: { byClip: new Map([["z", "{}"]]) } } as never)).rejects.toThrow(
    /none of the predictions is about a clip of the list; expected names such as a\.wav/,
  );
});

test("majorities and means", () => {
  expect(majority([true, false, true])).toBe(true);
  expect(majority([null, false, null])).toBe(false);
  expect(majority([true, false, null])).toBeUndefined();
  expect(majority([null, null, null])).toBeUndefined();
  expect(meanScore([7, null, 8])).toBe(7.5);
  expect(meanScore([null])).toBeUndefined();
});
