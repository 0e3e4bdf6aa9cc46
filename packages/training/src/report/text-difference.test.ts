import fc from "fast-check";
import { expect, test } from "vitest";
import { textDifference } from "./text-difference.ts";

test("replaced, missing and added words stand where they belong", () => {
  expect(textDifference("the brown fox ran off", "the brown cat ran")).toEqual([
    { kind: "same", text: "the brown " },
    { kind: "missing", text: "fox" },
    { kind: "added", text: "cat" },
    { kind: "same", text: " ran" },
    { kind: "missing", text: " off" },
  ]);
});

test("scripts without spaces are compared by characters", () => {
  expect(textDifference("今天很好", "今天不好").map((s) => s.text)).toEqual(["今天", "很", "不", "好"]);
});

test("either text can be put together from the stretches", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.string({ maxLength: 60 }), (target, prediction) => {
      const stretches = textDifference(target, prediction);
      const without = (kind: string) =>
        stretches
          .filter((s) => s.kind !== kind)
          .map((s) => s.text)
          .join("");
      expect(without("missing")).toBe(prediction);
      expect(without("added")).toBe(target);
    }),
  );
});
