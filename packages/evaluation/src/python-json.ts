/**
 * JSON as Python's json.loads reads it, with its defaults. Beyond JSON.parse: NaN, Infinity and −Infinity are numbers.
 * As JSON.parse: the last of equal keys wins; control characters in strings, a byte-order mark and text after the value
 * are errors. Objects come as Map, so that no key is special.
 */
export type PythonJson = null | boolean | number | string | PythonJson[] | Map<string, PythonJson>;

/** Python gives up at about this depth of brackets. */
const MAX_DEPTH = 990;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const BLANKS = /[ \t\n\r]*/y;
/** A run of characters that stand for themselves: no quote, backslash or control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON's strings may not hold them
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const HEX = /[0-9a-fA-F]{4}/y;
const WORDS: readonly (readonly [string, null | boolean | number])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
];
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** @throws SyntaxError for what json.loads refuses. */
export function parsePythonJson(text: string): PythonJson {
  return new Reader(text).whole();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): PythonJson {
    this.#take(BLANKS);
    const value = this.#value(0);
    this.#take(BLANKS);
    if (this.#at < this.#text.length) this.#fail("text after the value");
    return value;
  }

  #value(depth: number): PythonJson {
    if (depth > MAX_DEPTH) this.#fail("too many brackets");
    const c = this.#text[this.#at];
    if (c === '"') return this.#string();
    if (c === "{") return this.#object(depth);
    if (c === "[") return this.#array(depth);
    for (const [word, value] of WORDS) if (this.#skip(word)) return value;
    const digits = this.#take(NUMBER);
    return digits ? Number(digits) : this.#fail("no value");
  }

  #object(depth: number): Map<string, PythonJson> {
    const entries = new Map<string, PythonJson>();
    this.#at++;
    this.#take(BLANKS);
    if (this.#skip("}")) return entries;
    do {
      this.#take(BLANKS);
      if (this.#text[this.#at] !== '"') this.#fail("no key in double quotes");
      const key = this.#string();
      this.#take(BLANKS);
      if (!this.#skip(":")) this.#fail("no colon after a key");
      this.#take(BLANKS);
      entries.set(key, this.#value(depth + 1));
      this.#take(BLANKS);
    } while (this.#skip(","));
    return this.#skip("}") ? entries : this.#fail("an object is not closed");
  }

  #array(depth: number): PythonJson[] {
    const values: PythonJson[] = [];
    this.#at++;
    this.#take(BLANKS);
    if (this.#skip("]")) return values;
    do {
      this.#take(BLANKS);
      values.push(this.#value(depth + 1));
      this.#take(BLANKS);
    } while (this.#skip(","));
    return this.#skip("]") ? values : this.#fail("a list is not closed");
  }

  #string(): string {
    this.#at++;
    let value = "";
    for (;;) {
      value += this.#take(PLAIN);
      if (this.#skip('"')) return value;
      if (!this.#skip("\\")) this.#fail("a string is not closed or holds a control character");
      const c = this.#text[this.#at++] ?? "";
      if (c === "u") value += String.fromCharCode(Number.parseInt(this.#take(HEX) || this.#fail("no \\uXXXX"), 16));
      else value += ESCAPES[c] ?? this.#fail("an unknown escape");
    }
  }

  #skip(word: string): boolean {
    const found = this.#text.startsWith(word, this.#at);
    if (found) this.#at += word.length;
    return found;
  }

  /** What a sticky pattern matches here, "" when nothing. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #fail(problem: string): never {
    throw new SyntaxError(`${problem} at character ${this.#at}`);
  }
}
