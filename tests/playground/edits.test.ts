import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  between,
  codesOfText,
  cut,
  move,
  NO_HISTORY,
  paste,
  recorded,
  redone,
  replace,
  reverse,
  undone,
} from "../../apps/playground/src/state/edits.ts";

const codes = Int32Array.of(10, 11, 12, 13, 14);
const list = ({ codes }: { codes: Int32Array }) => [...codes];

describe("edits of a strip", () => {
  test("cut takes the range out and selects what follows", () => {
    const edit = cut(codes, { start: 1, end: 3 });
    expect(list(edit)).toEqual([10, 13, 14]);
    expect(edit.selection).toEqual({ start: 1, end: 2 });
    expect(cut(codes, { start: 3, end: 5 }).selection).toEqual({ start: 2, end: 3 });
    expect(cut(codes, { start: 0, end: 5 })).toEqual({ codes: new Int32Array(0), selection: { start: 0, end: 0 } });
  });
  test("paste goes after the range and is selected", () => {
    const edit = paste(codes, { start: 0, end: 2 }, Int32Array.of(7, 8));
    expect(list(edit)).toEqual([10, 11, 7, 8, 12, 13, 14]);
    expect(edit.selection).toEqual({ start: 2, end: 4 });
    expect(list(paste(new Int32Array(0), { start: 0, end: 0 }, Int32Array.of(7)))).toEqual([7]);
  });
  test("replace, reverse", () => {
    expect(list(replace(codes, { start: 1, end: 4 }, Int32Array.of(7)))).toEqual([10, 7, 14]);
    expect(list(reverse(codes, { start: 1, end: 4 }))).toEqual([10, 13, 12, 11, 14]);
  });
  test("move swaps with the neighbours and stops at the ends", () => {
    expect(list(move(codes, { start: 1, end: 3 }, 1))).toEqual([10, 13, 11, 12, 14]);
    expect(move(codes, { start: 1, end: 3 }, -5)).toEqual({
      codes: Int32Array.of(11, 12, 10, 13, 14),
      selection: { start: 0, end: 2 },
    });
    expect(list(move(codes, { start: 1, end: 3 }, 9))).toEqual([10, 13, 14, 11, 12]);
  });
  test("none changes what it was given", () => {
    for (const edit of [cut, reverse]) edit(codes, { start: 1, end: 4 });
    expect([...codes]).toEqual([10, 11, 12, 13, 14]);
  });
  test("a selection is the same from either end", () => expect(between(4, 2)).toEqual(between(2, 4)));
});

test("any run of edits can be taken back and done again", () => {
  const command = fc.tuple(fc.constantFrom("cut", "reverse", "move"), fc.nat(20), fc.nat(20));
  fc.assert(
    fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
      let now = Int32Array.from({ length: 30 }, (_, i) => i);
      const states = [now];
      let history = NO_HISTORY;
      for (const [name, a, b] of commands) {
        const range = { start: Math.min(a, now.length), end: Math.min(Math.max(a, b), now.length) };
        const edit =
          name === "cut" ? cut(now, range) : name === "reverse" ? reverse(now, range) : move(now, range, b - 10);
        history = recorded(history, now);
        now = Int32Array.from(edit.codes);
        states.push(now);
      }
      for (const state of states.slice(0, -1).reverse()) {
        const step = undone(history, now);
        expect([...(step?.codes ?? [])]).toEqual([...state]);
        ({ codes: now, history } = step as { codes: Int32Array<ArrayBuffer>; history: typeof history });
      }
      expect(undone(history, now)).toBeUndefined();
      for (const state of states.slice(1)) {
        const step = redone(history, now);
        expect([...(step?.codes ?? [])]).toEqual([...state]);
        ({ codes: now, history } = step as { codes: Int32Array<ArrayBuffer>; history: typeof history });
      }
    }),
    { seed: 1 },
  );
});

test("codes are read from a text, and nothing else", () => {
  expect([...(codesOfText(" 4 5,6\n7 ", 8) ?? [])]).toEqual([4, 5, 6, 7]);
  expect([...(codesOfText("[1, 2]", 8) ?? [])]).toEqual([1, 2]);
  for (const text of ["", "hello", "1 2 x", "8", "-1", "1.5", "https://x.org/1"])
    expect(codesOfText(text, 8), text).toBeUndefined();
});
