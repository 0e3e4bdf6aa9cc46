/** The text of a `!ref`: `<a>`, `<a[b][0]>`, simple arithmetic on such, or text with such in it. */
import { CheckpointError, shown } from "./errors.ts";

const MAX_TEXT = 65_536;

/**
 * What a reference stands for.
 * @param entry gives the top-level entry of a name, or throws.
 * @returns the value itself for a lone `<a>`; a number for arithmetic (`<a> * 2`, with + - * / // % ** and brackets);
 *   else the text with the values put in.
 * @throws CheckpointError for keys that are not there.
 */
export function resolveReference(text: string, entry: (name: string) => unknown, file: string): unknown {
  if (text.length > MAX_TEXT) throw new CheckpointError(`${file}: has a !ref of ${text.length} characters`);
  const lone = /^\s*<([^<>]+)>\s*$/.exec(text);
  if (lone) return lookUp(lone[1]!, entry, file);
  let length = 0;
  let numeric = true;
  const filled = text.replace(/<([^<>]+)>/g, (_, path: string) => {
    const value = lookUp(path, entry, file);
    if (typeof value !== "number") numeric = false;
    if (typeof value === "object" && value !== null)
      throw new CheckpointError(
        `${file}: !ref ${shown(text)} puts <${path}> into text, but it is not text or a number`,
      );
    const part = String(value);
    // References to references that double each time would make a text of any length.
    length += part.length;
    if (length > MAX_TEXT) throw new CheckpointError(`${file}: !ref ${shown(text)} stands for too long a text`);
    return numeric && part.startsWith("-") ? `(${part})` : part;
  });
  if (numeric && /^[\d\s.eE()+\-*/%]+$/.test(filled) && /\d/.test(filled)) {
    const result = new Arithmetic(filled).value();
    if (result !== undefined) return result;
  }
  return filled;
}

function lookUp(path: string, entry: (name: string) => unknown, file: string): unknown {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(path);
  if (!match) throw new CheckpointError(`${file}: !ref <${path.slice(0, 60)}> is not of the form <a> or <a[b]>`);
  let value = entry(match[1]!.trim());
  for (const [, raw] of match[2]!.matchAll(/\[([^[\]]*)\]/g)) {
    const key = raw!.trim().replace(/^(['"])(.*)\1$/, "$2");
    const found =
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined;
    if (found === undefined || (Array.isArray(value) && !/^\d+$/.test(key)))
      throw new CheckpointError(`${file}: !ref <${path.slice(0, 60)}> refers to ${shown(key)}, which is not there`);
    value = found;
  }
  return value;
}

const MAX_BRACKETS = 50;

/** Sums, products and powers with Python's precedence; `value()` is undefined for what is not arithmetic. */
class Arithmetic {
  readonly #tokens: string[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = text.match(/\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\*\*|\/\/|[-+*/%()]|\S/g) ?? [];
  }

  value(): number | undefined {
    const result = this.#sum();
    return this.#at === this.#tokens.length && result !== undefined && Number.isFinite(result) ? result : undefined;
  }

  #next(...expected: string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || !expected.includes(token)) return undefined;
    this.#at++;
    return token;
  }

  #sum(): number | undefined {
    let left = this.#product();
    for (let operator = this.#next("+", "-"); operator; operator = this.#next("+", "-")) {
      const right = this.#product();
      if (left === undefined || right === undefined) return undefined;
      left = operator === "+" ? left + right : left - right;
    }
    return left;
  }

  #product(): number | undefined {
    let left = this.#factor();
    for (let operator = this.#next("*", "/", "//", "%"); operator; operator = this.#next("*", "/", "//", "%")) {
      const right = this.#factor();
      if (left === undefined || right === undefined) return undefined;
      if (operator === "*") left *= right;
      else if (operator === "/") left /= right;
      else if (operator === "//") left = Math.floor(left / right);
      else left -= right * Math.floor(left / right);
    }
    return left;
  }

  #factor(): number | undefined {
    let negative = false;
    for (let sign = this.#next("-", "+"); sign; sign = this.#next("-", "+")) if (sign === "-") negative = !negative;
    const base = this.#atom();
    if (base === undefined) return undefined;
    let result: number | undefined = base;
    if (this.#next("**")) {
      if (++this.#depth > MAX_BRACKETS) return undefined;
      const exponent = this.#factor();
      this.#depth--;
      result = exponent === undefined ? undefined : base ** exponent;
    }
    return negative && result !== undefined ? -result : result;
  }

  #atom(): number | undefined {
    if (this.#next("(")) {
      if (++this.#depth > MAX_BRACKETS) return undefined;
      const inner = this.#sum();
      this.#depth--;
      return this.#next(")") ? inner : undefined;
    }
    const token = this.#tokens[this.#at];
    if (token === undefined || !/^[\d.]/.test(token)) return undefined;
    this.#at++;
    return Number(token);
  }
}
