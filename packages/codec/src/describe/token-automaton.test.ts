import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, type ByteState, finalState, jsonString, literal, oneOf } from "./byte-grammar.ts";
import { formatSap, type SapAnswer } from "./sap-answer.ts";
import { emotionGrammar, sapGrammar } from "./sap-grammar.ts";
import { Answer } from "./text-generator.ts";
import { TokenAutomaton } from "./token-automaton.ts";

const utf8 = new TextEncoder();
const bytesOf = (text: string) => utf8.encode(text);

/** All bytes, then some longer tokens that reach over the borders of values, then the end and a special token. */
const LONGER = [
  '{"transcription":',
  '":"',
  '","',
  '."},"',
  "the",
  " sun",
  ',"gender":',
  '":null,"',
  '[],"',
  "Adult",
  "Fem",
  "漢",
  '\\"',
  "null",
  "]}}",
];
const BYTES: (Uint8Array | undefined)[] = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...LONGER.map(bytesOf),
];
const END = BYTES.length;
BYTES.push(undefined, undefined);

/** Whether a grammar takes a text, byte by byte. */
function accepts(start: ByteState, bytes: Uint8Array): boolean {
  let state: ByteState | undefined = start;
  for (const byte of bytes) state = state?.after(byte);
  return state?.final ?? false;
}

/** Writes an answer with logits from a generator. */
function write(grammar: TokenAutomaton, longest: number, logits: (step: number) => ArrayLike<number>): string {
  const answer = new Answer(grammar);
  let left = longest;
  for (; left > 0; left--) if (answer.add(logits(longest - left), left) === undefined) break;
  expect(left, "ended by the end token").toBeGreaterThan(0);
  const bytes = answer.ids.flatMap((id) => [...(BYTES[id] as Uint8Array)]);
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** Pseudo-random logits; the same for the same seed and step. */
function noise(seed: number, bias: Readonly<Record<number, number>> = {}): (step: number) => Float32Array {
  return (step) => {
    let state = (seed * 7919 + step * 104729) >>> 0;
    return Float32Array.from({ length: BYTES.length }, (_, id) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32 + (bias[id] ?? 0);
    });
  };
}

describe("UTF-8", () => {
  const any = anyText();
  test("every text is taken", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => accepts(any, bytesOf(text))));
  });
  test("bytes are taken exactly when they are UTF-8", () => {
    const strict = (bytes: Uint8Array) => {
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    const near = fc.constantFrom(
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xe1,
      0xec,
      0xed,
    );
    const far = fc.constantFrom(0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), (bytes) => accepts(any, bytes) === strict(bytes)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(near, far), { maxLength: 4 }), (list) => {
        const bytes = Uint8Array.from(list);
        return accepts(any, bytes) === strict(bytes);
      }),
      { numRuns: 5000 },
    );
  });
});

const text = fc.string({ unit: "grapheme" });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const events = fc.array(fc.record({ label: text, characteristic: text }), { maxLength: 3 });
const answers: fc.Arbitrary<SapAnswer> = fc.record({
  transcription: orNull(text),
  paralinguistics: fc.record({
    age: orNull(fc.constantFrom("Child", "Adult", "Elderly")),
    gender: orNull(fc.constantFrom("Female", "Male")),
    emotion: orNull(fc.constantFrom("Anger", "Neutral", "Surprise")),
    accent: orNull(text),
    prosody: orNull(text),
    timbre: orNull(text),
  }),
  nonLinguisticEvents: fc.record({
    description: orNull(text),
    discreteEvents: events,
    continuousEvents: events,
  }),
});

describe("answers", () => {
  const grammar = sapGrammar();
  const automaton = new TokenAutomaton(grammar, BYTES, END);

  test("every canonical answer is taken", () => {
    fc.assert(fc.property(answers, (answer) => accepts(grammar, bytesOf(formatSap(answer)))));
  });

  test("other texts are not", () => {
    const good = formatSap({
      transcription: "a",
      paralinguistics: { age: null, gender: "Male", emotion: null, accent: null, prosody: null, timbre: null },
      nonLinguisticEvents: {
        description: null,
        discreteEvents: [{ label: "x", characteristic: "" }],
        continuousEvents: [],
      },
    });
    expect(accepts(grammar, bytesOf(good))).toBe(true);
    for (const bad of [
      good.slice(0, -1),
      `${good} `,
      good.replace("Male", "male"),
      good.replace('"a"', '"a\n"'),
      good.replace('"a"', "1"),
      good.replace("}]", "},]"),
      good.replace('[{"label"', '[,{"label"'),
    ])
      expect(accepts(grammar, bytesOf(bad)), bad).toBe(false);
  });

  test("whatever the decoder prefers, it writes a canonical answer within the tokens it has", () => {
    const shortest = automaton.distance(automaton.start);
    // longer tokens help: by bytes alone it would be more than 240
    expect(shortest).toBeLessThan(240);
    // long strings: letters are likelier than what ends them
    const letters = Object.fromEntries(Array.from({ length: 26 }, (_, i) => [97 + i, 0.5]));
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 200 }), fc.boolean(), (seed, more, talkative) => {
        const written = write(automaton, shortest + more, noise(seed, talkative ? letters : {}));
        expect(formatSap(JSON.parse(written))).toBe(written);
      }),
      { numRuns: 60 },
    );
  });

  test("the shortest answer has no values", () => {
    const answer = JSON.parse(write(automaton, automaton.distance(automaton.start), noise(1)));
    expect(answer.nonLinguisticEvents).toEqual({ description: null, discreteEvents: [], continuousEvents: [] });
  });

  test("the decoder's preference decides where there is a choice, also by tokens over borders", () => {
    const want = formatSap({
      transcription: 'the sun."',
      paralinguistics: { age: "Adult", gender: "Female", emotion: "Fear", accent: null, prosody: "漢", timbre: "" },
      nonLinguisticEvents: {
        description: null,
        discreteEvents: [{ label: "the", characteristic: "" }],
        continuousEvents: [],
      },
    });
    // greedy longest match, as a tokenizer might cut it
    const tokens = BYTES.map((bytes, id) => ({ id, bytes })).filter((t) => t.bytes !== undefined);
    const whole = bytesOf(want);
    const ids: number[] = [];
    for (let at = 0; at < whole.length; ) {
      const fits = tokens.filter(({ bytes }) => bytes?.every((byte, i) => whole[at + i] === byte));
      const longest = fits.reduce((a, b) => ((b.bytes as Uint8Array).length > (a.bytes as Uint8Array).length ? b : a));
      ids.push(longest.id);
      at += (longest.bytes as Uint8Array).length;
    }
    expect(ids.filter((id) => id >= 256).length).toBeGreaterThan(8);
    const prefer = (step: number) => noise(3, { [ids[step] ?? END]: 5 })(step);
    expect(write(automaton, 400, prefer)).toBe(want);
  });

  test("a decoder that loops in a string or a list is led out of it, and its rounds are dropped", () => {
    const stuck = (wanted: string) => {
      const whole = bytesOf(wanted);
      return (step: number) => noise(5, { [whole[step % whole.length] as number]: 9 })(step);
    };
    // always the same byte
    const { transcription } = JSON.parse(write(automaton, 448, stuck("a")));
    expect(transcription).toMatch(/^.{0,2}a{1,8}.{0,2}$/);
    // always the same event; before the list, the forced bytes keep the phase from mattering
    const event = '{"label":"x","characteristic":"y"},';
    const start = formatSap({
      transcription: null,
      paralinguistics: { age: null, gender: null, emotion: null, accent: null, prosody: null, timbre: null },
      nonLinguisticEvents: { description: null, discreteEvents: [], continuousEvents: [] },
    }).split("[")[0] as string;
    const path = bytesOf(`${start}[${event.repeat(40)}`);
    const looping = (step: number) => noise(6, { [path[step] as number]: 9 })(step);
    const { nonLinguisticEvents } = JSON.parse(write(automaton, 1000, looping));
    expect(nonLinguisticEvents.discreteEvents.length).toBeGreaterThan(0);
    expect(nonLinguisticEvents.discreteEvents.length).toBeLessThan(4);
  });
});

test("an emotion is one of the seven", () => {
  const automaton = new TokenAutomaton(emotionGrammar(), BYTES, END);
  for (let seed = 0; seed < 20; seed++)
    expect(["Anger", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"]).toContain(
      write(automaton, 20, noise(seed)),
    );
});

test("distances are those of the shortest way in tokens", () => {
  const end = finalState();
  const automaton = new TokenAutomaton(literal('":null,"', end), BYTES, END);
  expect(automaton.distance(automaton.start)).toBe(2);
  // the token ":" with its quotes is a string
  const string = new TokenAutomaton(jsonString(finalState()), BYTES, END);
  expect(string.distance(string.start)).toBe(2);
  const alone = new TokenAutomaton(jsonString(finalState()), BYTES.slice(0, 256), 256);
  expect(alone.distance(alone.start)).toBe(3);
  // no token is a "q": with it gone nothing can be written
  const without = BYTES.map((bytes) => (bytes?.includes(113) ? undefined : bytes));
  const blocked = new TokenAutomaton(oneOf(["quick"], finalState()), without, END);
  expect(blocked.distance(blocked.start)).toBe(Number.POSITIVE_INFINITY);
  expect(() => automaton.choose(new Float32Array(BYTES.length), automaton.start, 1)).toThrow(RangeError);
});
