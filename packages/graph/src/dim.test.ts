import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDim,
  type Dim,
  evaluateDim,
  exactDivide,
  floorDivDim,
  formatShape,
  mulDim,
  product,
  SymbolicDim,
  sameDim,
  sameShape,
  subDim,
  symbol,
} from "./dim.ts";

const run = { seed: 7, numRuns: 400 };
const time = symbol("time");
const batch = symbol("batch");

/** A dimension and the plain arithmetic it stands for. */
interface Model {
  readonly dim: Dim;
  value(sizes: Record<string, number>): number;
}

const leaf: fc.Arbitrary<Model> = fc.oneof(
  fc.integer({ min: 1, max: 20 }).map((n): Model => ({ dim: n, value: () => n })),
  fc
    .constantFrom("time", "batch", "prompt")
    .map((name): Model => ({ dim: symbol(name), value: (s) => s[name] as number })),
);

const { expression } = fc.letrec<{ expression: Model }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc
      .tuple(tie("expression"), tie("expression"))
      .map(([a, b]): Model => ({ dim: addDim(a.dim, b.dim), value: (s) => a.value(s) + b.value(s) })),
    fc
      .tuple(tie("expression"), leaf)
      .map(([a, b]): Model => ({ dim: subDim(a.dim, b.dim), value: (s) => a.value(s) - b.value(s) })),
    fc
      .tuple(tie("expression"), fc.integer({ min: 1, max: 6 }))
      .map(([a, k]): Model => ({ dim: mulDim(a.dim, k), value: (s) => a.value(s) * k })),
    fc
      .tuple(tie("expression"), fc.integer({ min: 1, max: 8 }))
      .map(([a, k]): Model => ({ dim: floorDivDim(a.dim, k), value: (s) => Math.floor(a.value(s) / k) })),
  ),
}));
const size = fc.integer({ min: 1, max: 5000 });
const sizes = fc.record({ time: size, batch: size, prompt: size });

describe("expressions", () => {
  test("evaluate to what plain arithmetic says", () => {
    fc.assert(
      fc.property(expression, sizes, (e, s) => {
        expect(evaluateDim(e.dim, s)).toBe(e.value(s));
      }),
      run,
    );
  });

  test("an equal dimension has equal values", () => {
    const pairs = fc.tuple(expression, expression, fc.array(sizes, { minLength: 5, maxLength: 5 }));
    fc.assert(
      fc.property(pairs, ([a, b, all]) => {
        const c = subDim(addDim(a.dim, b.dim), b.dim);
        expect(sameDim(c, a.dim) || typeof a.dim === "number").toBe(true);
        if (sameDim(a.dim, b.dim)) for (const s of all) expect(a.value(s)).toBe(b.value(s));
      }),
      run,
    );
  });

  // floor((m·t + c) / d): the forms that strides and paddings make, which differ at some remainders only
  test("roundings that differ at one remainder are told apart, for symbols of any name", () => {
    const rounding = fc.record({
      multiple: fc.integer({ min: 1, max: 4 }),
      offset: fc.integer({ min: -8, max: 8 }),
      by: fc.constantFrom(1, 2, 4),
      next: fc.constantFrom(1, 2, 3, 4),
      factor: fc.integer({ min: 1, max: 4 }),
    });
    type Rounding = typeof rounding extends fc.Arbitrary<infer R> ? R : never;
    const make = (t: Dim, r: Rounding) =>
      mulDim(floorDivDim(floorDivDim(addDim(mulDim(t, r.multiple), r.offset), r.by), r.next), r.factor);
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), rounding, rounding, (name, a, b) => {
        const t = symbol(name);
        const [x, y] = [make(t, a), make(t, b)];
        const all = Array.from({ length: 48 }, (_, i) => 1000 + i);
        const equal = all.every((n) => evaluateDim(x, { [name]: n }) === evaluateDim(y, { [name]: n }));
        expect(sameDim(x, y)).toBe(equal);
      }),
      { seed: 7, numRuns: 3000 },
    );
  });

  test("no symbol divides exactly, alone or with another", () => {
    for (let i = 0; i < 500; i++) {
      const [a, b] = [symbol(`left${i}`), symbol(`right${i}`)];
      for (const by of [2, 3, 4, 5, 7, 8, 16, 640]) {
        expect(exactDivide(a, by), `left${i} by ${by}`).toBeUndefined();
        expect(sameDim(mulDim(floorDivDim(a, by), by), a), `left${i} by ${by}`).toBe(false);
        expect(exactDivide(addDim(a, b), by), `left${i}+right${i} by ${by}`).toBeUndefined();
      }
    }
  });
});

describe("reduction", () => {
  test("to a number when the symbols cancel", () => {
    expect(subDim(addDim(time, 3), time)).toBe(3);
    expect(subDim(mulDim(time, 2), addDim(time, time))).toBe(0);
    expect(mulDim(time, 0)).toBe(0);
  });

  test("to scale · symbol + offset", () => {
    const d = addDim(floorDivDim(subDim(mulDim(time, 4), 1), 2), 1) as SymbolicDim;
    expect(d.expression).toMatchObject({ kind: "linear", scale: 2, offset: 0 });
    expect(`${d}`).toBe("2*time");
    expect(sameDim(d, mulDim(2, time))).toBe(true);
    expect(`${subDim(mulDim(time, 3), 5)}`).toBe("3*time-5");
    expect(`${addDim(1, time)}`).toBe("time+1");
  });

  test("to the symbol itself", () => {
    expect(floorDivDim(mulDim(time, 8), 8)).toBe(time);
    expect(symbol("time")).toBe(time);
  });

  test("a rounded division stays one", () => {
    const half = floorDivDim(time, 2);
    expect(half).toBeInstanceOf(SymbolicDim);
    expect(`${half}`).toBe("floor(time/2)");
    expect(evaluateDim(half, { time: 7 })).toBe(3);
  });
});

describe("exact division", () => {
  test("undoes products", () => {
    expect(exactDivide(mulDim(time, 12), 4)).toMatchObject({ expression: { kind: "linear", scale: 3 } });
    const all = product([batch, time, 12]);
    expect(sameDim(exactDivide(all, mulDim(time, 3)) as Dim, mulDim(batch, 4))).toBe(true);
    expect(exactDivide(12, 5)).toBeUndefined();
    expect(exactDivide(12, 0)).toBeUndefined();
    expect(exactDivide(12, 4)).toBe(3);
  });

  test("of any product by its factor gives the rest", () => {
    fc.assert(
      fc.property(expression, fc.integer({ min: 1, max: 9 }), sizes, (e, k, s) => {
        const rest = exactDivide(mulDim(e.dim, k), k) as Dim;
        expect(evaluateDim(rest, s)).toBe(e.value(s));
      }),
      run,
    );
  });
});

test("shapes are compared and written", () => {
  expect(sameShape([batch, 3], [batch, 3])).toBe(true);
  expect(sameShape([batch, 3], [time, 3])).toBe(false);
  expect(sameShape([batch], [batch, 1])).toBe(false);
  expect(sameDim(time, 1009)).toBe(false);
  expect(formatShape([batch, mulDim(time, 2), 3])).toBe("[batch, 2*time, 3]");
});

test("a size that was not given is named", () => {
  expect(() => evaluateDim(addDim(time, batch), { time: 3 })).toThrow("no size given for dimension batch");
});
