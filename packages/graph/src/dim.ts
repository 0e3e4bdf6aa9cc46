/**
 * Dimensions of symbolic tensors: a number, or an expression over named symbols such as `tokens`.
 *
 * Two expressions are compared by their values at some fixed, made-up sizes of each symbol (their witnesses) instead of
 * by algebra: `floor((4·tokens − 1) / 2) + 1` and `2·tokens` have equal witnesses, so they are the same dimension. The
 * sizes are large, unrelated and of every remainder, so that different expressions do not meet by chance.
 */

export type Dim = number | SymbolicDim;
export type Shape = readonly Dim[];

/** Sizes that try every remainder near a multiple of this, where rounded divisions jump, and sizes that try any. */
const ROUND = 26880; // 2^8 · 3 · 5 · 7
const NEAR = 16;
const ANY = 8;
const WITNESSES = NEAR + ANY;

export type DimExpression =
  | { readonly kind: "symbol"; readonly name: string }
  | {
      readonly kind: "linear";
      readonly symbol: SymbolicDim;
      readonly scale: number;
      readonly offset: number;
    }
  | {
      readonly kind: "add" | "mul" | "floordiv";
      readonly left: Dim;
      readonly right: Dim;
    };

export class SymbolicDim {
  readonly expression: DimExpression;
  readonly witnesses: readonly number[];

  constructor(expression: DimExpression, witnesses: readonly number[]) {
    this.expression = expression;
    this.witnesses = witnesses;
  }

  /** Written with names ONNX accepts as `dim_param`. */
  toString(): string {
    const e = this.expression;
    switch (e.kind) {
      case "symbol":
        return e.name;
      case "linear":
        return `${e.scale === 1 ? "" : `${e.scale}*`}${e.symbol}${e.offset === 0 ? "" : e.offset > 0 ? `+${e.offset}` : e.offset}`;
      case "add":
        return `(${e.left}+${e.right})`;
      case "mul":
        return `${e.left}*${e.right}`;
      case "floordiv":
        return `floor(${e.left}/${e.right})`;
    }
  }
}

const symbols = new Map<string, SymbolicDim>();

/** The dimension called `name`; the same name is the same dimension everywhere. */
export function symbol(name: string): SymbolicDim {
  let found = symbols.get(name);
  if (!found) {
    let state = 2166136261;
    for (const c of name) state = Math.imul(state ^ c.charCodeAt(0), 16777619) >>> 0;
    // the low bits of such a generator repeat soon
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 13;
    // up to half a million: products of two stay exact in a double
    const near = Array.from({ length: NEAR }, (_, i) => ROUND * (1 + (random() % 18)) + i - NEAR / 2);
    for (let i = NEAR - 1; i > 0; i--) {
      const j = random() % (i + 1);
      [near[i], near[j]] = [near[j] as number, near[i] as number];
    }
    const witnesses = [...near, ...Array.from({ length: ANY }, () => 1009 + random())];
    found = new SymbolicDim({ kind: "symbol", name }, witnesses);
    symbols.set(name, found);
  }
  return found;
}

const witnessesOf = (d: Dim): readonly number[] =>
  typeof d === "number" ? new Array<number>(WITNESSES).fill(d) : d.witnesses;

function symbolsIn(d: Dim, into = new Set<SymbolicDim>()): Set<SymbolicDim> {
  if (typeof d === "number") return into;
  const e = d.expression;
  if (e.kind === "symbol") into.add(d);
  else if (e.kind === "linear") into.add(e.symbol);
  else {
    symbolsIn(e.left, into);
    symbolsIn(e.right, into);
  }
  return into;
}

/** Builds `left op right`, reduced to a number or to `scale · symbol + offset` whenever the witnesses allow it. */
function combine(kind: "add" | "mul" | "floordiv", left: Dim, right: Dim): Dim {
  const a = witnessesOf(left);
  const b = witnessesOf(right);
  const values = a.map((x, i) => {
    const y = b[i] as number;
    return kind === "add" ? x + y : kind === "mul" ? x * y : Math.floor(x / y);
  });
  if (typeof left === "number" && typeof right === "number") return values[0] as number;
  const used = symbolsIn(left);
  symbolsIn(right, used);
  const [only] = used;
  if (used.size === 1 && only) {
    const s = only.witnesses as readonly [number, number, ...number[]];
    const scale = ((values[1] as number) - (values[0] as number)) / (s[1] - s[0]);
    const offset = (values[0] as number) - scale * s[0];
    if (
      Number.isInteger(scale) &&
      Number.isInteger(offset) &&
      values.every((v, i) => v === scale * (s[i] as number) + offset)
    ) {
      if (scale === 0) return offset;
      if (scale === 1 && offset === 0) return only;
      return new SymbolicDim({ kind: "linear", symbol: only, scale, offset }, values);
    }
  }
  return new SymbolicDim({ kind, left, right }, values);
}

export const addDim = (a: Dim, b: Dim): Dim => combine("add", a, b);
export const subDim = (a: Dim, b: Dim): Dim => combine("add", a, combine("mul", b, -1));
export const mulDim = (a: Dim, b: Dim): Dim => combine("mul", a, b);
export const floorDivDim = (a: Dim, b: Dim): Dim => combine("floordiv", a, b);

export function sameDim(a: Dim, b: Dim): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  return a.witnesses.every((w, i) => w === b.witnesses[i]);
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => sameDim(d, b[i] as Dim));

export const product = (shape: Shape): Dim => shape.reduce<Dim>((p, d) => mulDim(p, d), 1);

/** `a / b` when it is known to be whole, else undefined. */
export function exactDivide(a: Dim, b: Dim): Dim | undefined {
  const x = witnessesOf(a);
  const y = witnessesOf(b);
  if (!x.every((v, i) => v % (y[i] as number) === 0)) return undefined;
  return floorDivDim(a, b);
}

export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The value of a dimension for given sizes of the symbols. */
export function evaluateDim(d: Dim, sizes: Readonly<Record<string, number>>): number {
  if (typeof d === "number") return d;
  const e = d.expression;
  if (e.kind === "symbol") {
    const size = sizes[e.name];
    if (size === undefined) throw new Error(`no size given for dimension ${e.name}`);
    return size;
  }
  if (e.kind === "linear") return e.scale * evaluateDim(e.symbol, sizes) + e.offset;
  const left = evaluateDim(e.left, sizes);
  const right = evaluateDim(e.right, sizes);
  return e.kind === "add" ? left + right : e.kind === "mul" ? left * right : Math.floor(left / right);
}
