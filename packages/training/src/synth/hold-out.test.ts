import fc from "fast-check";
import { expect, test } from "vitest";
import { HoldOut, type HoldOutRules } from "./hold-out.ts";

const NONE: HoldOutRules = { sources: [], speakers: [], texts: [], clips: [], share: 0 };
const speakers = ["ann", "bob", "cy"];
const texts = ["One.", "Two!", "Three?", "Four…"];
const clips = speakers.flatMap((speaker) => texts.map((text, i) => ({ clip: `${speaker}-${i}.wav`, speaker, text })));

const rules: fc.Arbitrary<HoldOutRules> = fc.record({
  sources: fc.subarray(["a", "b"]),
  speakers: fc.subarray(speakers),
  texts: fc.subarray(["one", "TWO", "three"]),
  clips: fc.subarray(clips.map((c) => c.clip)),
  share: fc.constantFrom(0, 0.3),
});

test("every recording serves exactly one split; no held-out speaker or text is in training", () => {
  fc.assert(
    fc.property(rules, (held) => {
      const [train, validation] = (["train", "validation"] as const).map((s) => new HoldOut(held, s).clips("a", clips));
      expect([...train!, ...validation!].map((c) => c.clip).sort()).toEqual(clips.map((c) => c.clip).sort());
      for (const { speaker, text } of train!) {
        expect(held.speakers).not.toContain(speaker);
        expect(held.texts.map((t) => t.toLowerCase())).not.toContain(text.toLowerCase().replace(/\W/g, ""));
      }
      if (held.share > 0) {
        const textOf = (list: readonly { text: string }[]) => new Set(list.map((c) => c.text));
        // a share is taken by text, so that no other rule is needed to keep texts apart
        if (held.speakers.length + held.clips.length + held.sources.length === 0)
          for (const text of textOf(train!)) expect(textOf(validation!)).not.toContain(text);
      }
    }),
  );
});

test("a voice reads no held-out text in training, and the splits share no pair of voice and text", () => {
  fc.assert(
    fc.property(rules, (held) => {
      const train = new HoldOut(held, "train").speech("a", speakers, texts);
      const validation = new HoldOut(held, "validation").speech("a", speakers, texts);
      const pairs = (s: typeof train) => new Set(s.voices.flatMap((v) => s.texts.map((t) => `${v}/${t}`)));
      for (const pair of pairs(train)) expect(pairs(validation)).not.toContain(pair);
      for (const voice of held.speakers) expect(train.voices).not.toContain(voice);
    }),
  );
});

test("generators serve both splits unless some are named", () => {
  const items = [{ clip: "bell" }, { clip: "knock" }];
  const kept = (held: Partial<HoldOutRules>, split: "train" | "validation") =>
    new HoldOut({ ...NONE, ...held }, split).generators("synthetic", items).map((i) => i.clip);
  expect(kept({ share: 0.5 }, "train")).toEqual(["bell", "knock"]);
  expect(kept({ share: 0.5 }, "validation")).toEqual(["bell", "knock"]);
  expect(kept({ clips: ["bell"] }, "train")).toEqual(["knock"]);
  expect(kept({ clips: ["bell"] }, "validation")).toEqual(["bell"]);
  expect(kept({ sources: ["synthetic"] }, "train")).toEqual([]);
});

test("a share is about that much and always the same", () => {
  const many = Array.from({ length: 2000 }, (_, i) => ({ clip: `${i}.wav` }));
  const held = new HoldOut({ ...NONE, share: 0.1 }, "validation");
  expect(held.clips("x", many).length).toBeGreaterThan(150);
  expect(held.clips("x", many).length).toBeLessThan(250);
  expect(held.clips("x", many.slice(0, 100))).toEqual(
    held.clips("x", many).filter((c) => Number.parseInt(c.clip, 10) < 100),
  );
});
