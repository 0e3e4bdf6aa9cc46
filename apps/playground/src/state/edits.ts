/** Editing a strip of codes: pure functions over lists and ranges, and a history of what was. */

/** Codes `start` to `end`, without `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Edit {
  readonly codes: Int32Array;
  /** What is selected afterwards. */
  readonly selection: Range;
}

const joined = (...parts: readonly Int32Array[]): Int32Array => {
  const out = new Int32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** The range between two tokens, both included, whichever comes first. */
export const between = (a: number, b: number): Range => ({ start: Math.min(a, b), end: Math.max(a, b) + 1 });

/** Takes the range out. */
export function cut(codes: Int32Array, { start, end }: Range): Edit {
  const left = joined(codes.subarray(0, start), codes.subarray(end));
  const at = Math.min(start, Math.max(0, left.length - 1));
  return { codes: left, selection: { start: at, end: Math.min(left.length, at + 1) } };
}

/** Puts `pasted` in the range's place: both lists keep their other codes. */
export function replace(codes: Int32Array, { start, end }: Range, pasted: Int32Array): Edit {
  return {
    codes: joined(codes.subarray(0, start), pasted, codes.subarray(end)),
    selection: { start, end: start + pasted.length },
  };
}

/** Puts `pasted` after the range. */
export const paste = (codes: Int32Array, { end }: Range, pasted: Int32Array): Edit =>
  replace(codes, { start: end, end }, pasted);

/** Turns the range around in time. */
export function reverse(codes: Int32Array, range: Range): Edit {
  const out = codes.slice();
  out.subarray(range.start, range.end).reverse();
  return { codes: out, selection: range };
}

/** Swaps the range with the `by` codes after it (or, negative, before it). Stops at the ends. */
export function move(codes: Int32Array, { start, end }: Range, by: number): Edit {
  const to = Math.max(0, Math.min(codes.length - (end - start), start + by));
  const moved = codes.subarray(start, end);
  const rest = joined(codes.subarray(0, start), codes.subarray(end));
  return {
    codes: joined(rest.subarray(0, to), moved, rest.subarray(to)),
    selection: { start: to, end: to + moved.length },
  };
}

/** What was and what was taken back. */
export interface History {
  readonly past: readonly Int32Array[];
  readonly future: readonly Int32Array[];
}

export const NO_HISTORY: History = { past: [], future: [] };
const KEPT = 200;

export const recorded = ({ past }: History, before: Int32Array): History => ({
  past: [...past.slice(1 - KEPT), before],
  future: [],
});

/** One step back; undefined at the beginning. */
export function undone(
  { past, future }: History,
  now: Int32Array,
): { codes: Int32Array; history: History } | undefined {
  const codes = past.at(-1);
  return codes && { codes, history: { past: past.slice(0, -1), future: [now, ...future] } };
}

/** One step forward again; undefined at the end. */
export function redone(
  { past, future }: History,
  now: Int32Array,
): { codes: Int32Array; history: History } | undefined {
  const [codes] = future;
  return codes && { codes, history: { past: [...past, now], future: future.slice(1) } };
}

/** Whole numbers of a text, e.g. from the clipboard. @returns undefined where it is no list of codes below `size`. */
export function codesOfText(text: string, size: number): Int32Array | undefined {
  const body = text.trim().replace(/^\[|\]$/g, "");
  if (!/^\d+([\s,]+\d+)*$/.test(body)) return undefined;
  const codes = Int32Array.from(body.split(/[\s,]+/), Number);
  return codes.every((code) => code < size) ? codes : undefined;
}
