/**
 * English number words → digits, so that "twenty-one", "twenty one" and "21" are one word: cardinals, ordinals
 * ("twenty first" → 21st), decimals ("three point five" → 3.5) and years as spoken ("nineteen oh five" → 1905).
 */

const UNITS = "zero one two three four five six seven eight nine".split(" ");
const TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(" ");
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SCALES = new Map([
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
  ["trillion", 1e12],
]);

type Kind = "unit" | "teen" | "tens" | "hundred" | "scale";

interface NumberWord {
  readonly kind: Kind;
  readonly value: number;
  /** "third", "twentieth". */
  readonly ordinal: boolean;
}

const WORDS = new Map<string, NumberWord>();
{
  const ordinalOf: Readonly<Record<string, string>> = {
    one: "first",
    two: "second",
    three: "third",
    five: "fifth",
    eight: "eighth",
    nine: "ninth",
    twelve: "twelfth",
  };
  const add = (word: string, kind: Kind, value: number) => {
    WORDS.set(word, { kind, value, ordinal: false });
    const ordinal = ordinalOf[word] ?? (word.endsWith("y") ? `${word.slice(0, -1)}ieth` : `${word}th`);
    WORDS.set(ordinal, { kind, value, ordinal: true });
  };
  for (const [i, word] of UNITS.entries()) add(word, "unit", i);
  for (const [i, word] of TEENS.entries()) add(word, "teen", 10 + i);
  for (const [i, word] of TENS.entries()) add(word, "tens", 20 + 10 * i);
  add("hundred", "hundred", 100);
  for (const [word, value] of SCALES) add(word, "scale", value);
}

/** A run of words read as one number. */
interface Reading {
  readonly text: string;
  /** Words consumed. */
  readonly length: number;
}

/** "1st", "22nd", "13th". */
function ordinalText(n: number): string {
  const last = n % 10;
  const teen = Math.floor(n / 10) % 10 === 1;
  return `${n}${teen || last === 0 || last > 3 ? "th" : ["st", "nd", "rd"][last - 1]}`;
}

/** Words by position, with an end. */
class Words {
  readonly #words: readonly string[];
  at: number;
  /** Set once an ordinal was read: nothing may follow it. */
  ordinal = false;

  constructor(words: readonly string[], at: number) {
    this.#words = words;
    this.at = at;
  }

  peek(ahead = 0): NumberWord | undefined {
    return this.ordinal ? undefined : WORDS.get(this.#words[this.at + ahead] ?? "");
  }

  word(ahead = 0): string | undefined {
    return this.#words[this.at + ahead];
  }

  /** Reads a word of one of these kinds. */
  take(...kinds: Kind[]): number | undefined {
    const found = this.peek();
    if (!found || !kinds.includes(found.kind)) return undefined;
    this.at++;
    this.ordinal = found.ordinal;
    return found.value;
  }
}

/** 0 … 99: "seven", "seventeen", "seventy", "seventy seven". */
function belowHundred(words: Words): number | undefined {
  const small = words.take("unit", "teen");
  if (small !== undefined) return small;
  const tens = words.take("tens");
  if (tens === undefined) return undefined;
  const next = words.peek();
  return next?.kind === "unit" && next.value > 0 ? tens + (words.take("unit") as number) : tens;
}

/** 0 … 9999 without "thousand": "two hundred and five", "nineteen hundred", "nineteen eighty four", "nineteen oh five". */
function group(words: Words): number | undefined {
  const start = words.word();
  let value: number | undefined;
  if (start === "a" && ["hundred", "scale"].includes(words.peek(1)?.kind ?? "")) {
    words.at++;
    value = 1;
  } else if (["hundred", "scale"].includes(words.peek()?.kind ?? "") && words.peek()?.ordinal) {
    // "the hundredth time"
    value = 1;
  } else value = belowHundred(words);
  if (value === undefined) return undefined;
  if (value > 0 && words.peek()?.kind === "hundred") {
    words.take("hundred");
    value *= 100;
    const and = words.word() === "and" && !words.ordinal ? 1 : 0;
    if (["unit", "teen", "tens"].includes(words.peek(and)?.kind ?? "")) {
      words.at += and;
      value += belowHundred(words) ?? 0;
    }
    return value;
  }
  // years: two pairs of digits, the first one 13 to 20
  if (value >= 13 && value <= 20 && !words.ordinal) {
    if (["teen", "tens"].includes(words.peek()?.kind ?? "")) return 100 * value + (belowHundred(words) ?? 0);
    const unit = words.peek(1);
    if (["oh", "o"].includes(words.word() ?? "") && unit?.kind === "unit" && unit.value > 0) {
      words.at++;
      return 100 * value + (words.take("unit") as number);
    }
  }
  return value;
}

/** The number that begins at word `at`, with as many words as belong to it; undefined when none does. */
function readNumber(all: readonly string[], at: number): Reading | undefined {
  const words = new Words(all, at);
  const digits = /^\d+(\.\d+)?$/.exec(words.word() ?? "");
  let total = 0;
  if (digits) {
    // "5 million"
    words.at++;
    if (words.peek()?.kind !== "scale") return undefined;
    total = Math.round(Number(digits[0]) * (words.take("scale") as number) * 100) / 100;
  } else {
    let part = group(words);
    if (part === undefined) return undefined;
    for (let limit = Number.POSITIVE_INFINITY; ; ) {
      const scale = words.peek();
      if (part === undefined || part === 0 || scale?.kind !== "scale" || scale.value >= limit) {
        total += part ?? 0;
        break;
      }
      limit = words.take("scale") as number;
      total += part * limit;
      const and = words.word() === "and" && !words.ordinal ? 1 : 0;
      const kind = words.peek(and)?.kind;
      if (kind === undefined || kind === "hundred" || kind === "scale") break;
      // "one thousand and five", but "two thousand and twenty thousand" are two numbers
      words.at += and;
      const before = words.at;
      part = group(words);
      const next = words.peek();
      if (part !== undefined && next?.kind === "scale" && next.value >= limit) {
        words.at = and ? before - 1 : before;
        break;
      }
    }
  }
  const ordinal = words.ordinal;
  let text = ordinal ? ordinalText(total) : String(total);
  if (!ordinal && words.word() === "point" && words.peek(1)?.kind === "unit") {
    words.at++;
    let decimals = "";
    for (let unit = words.take("unit"); unit !== undefined; unit = words.take("unit")) decimals += unit;
    text += `.${decimals}`;
  }
  return { text, length: words.at - at };
}

/** Replaces every number among lower-case words; other words stay. An empty word ends a number (a comma was there). */
export function numbersToDigits(words: readonly string[]): string[] {
  const out: string[] = [];
  for (let at = 0; at < words.length; ) {
    const number = readNumber(words, at);
    if (number) out.push(number.text);
    else if (words[at] !== "") out.push(words[at]!);
    at += number?.length ?? 1;
  }
  return out;
}
