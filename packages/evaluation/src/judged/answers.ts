/** What a language model said, read strictly: an answer that could be meant in two ways is none. */

/** Without what reasoning models think aloud, and without marks of emphasis. */
export function spoken(answer: string): string {
  return answer
    .replace(/<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/gi, " ")
    .replace(/^[\s\S]*<\/think(?:ing)?>/i, " ")
    .replace(/[*_`]+/g, "")
    .trim();
}

/** yes or no, alone or followed by a reason: "Yes, both…"; undefined for anything else. */
export function parseYesNo(answer: string): boolean | undefined {
  const [, word] = /^["'([]*(yes|no)(?:["')\].,;:!–—-]|\s+[–—-]\s|\s*$|\n)/i.exec(spoken(answer)) ?? [];
  return word === undefined ? undefined : word.toLowerCase() === "yes";
}

/** A number from 0 to `highest`, alone or as "Score: 7", "7/10"; undefined for anything else. */
export function parseScore(answer: string, highest: number): number | undefined {
  const [, digits, of] =
    /^["'([]*(?:(?:score|rating|answer)\s*[:=]?\s*)?(\d+(?:\.\d+)?)(?:\s*(?:\/|out of)\s*(\d+))?["')\].]*$/i.exec(
      spoken(answer),
    ) ?? [];
  const score = Number(digits);
  if (digits === undefined || score > highest || (of !== undefined && Number(of) !== highest)) return undefined;
  return score;
}

/** `A`, `B`, … as the choices are lettered. */
export const letterOf = (index: number): string => String.fromCharCode(65 + index);

/**
 * Index of the choice that an answer names: by a last line "Answer: B" (also "the answer is B"), by its letter at the
 * beginning ("B", "(B)", "B. a dog"), or by its text ("a dog"), alone or as the only choice that occurs. Undefined when
 * none or several are named.
 */
export function parseChoice(answer: string, choices: readonly string[]): number | undefined {
  const text = spoken(answer);
  const last = String.fromCharCode(64 + choices.length);
  const letter = `[("'\\[]*([A-${last}])(?![\\p{L}\\p{N}'’])`;
  const whole = choiceByText(text, choices, true);
  if (whole !== undefined) return whole;
  const named = [
    ...text.matchAll(new RegExp(`\\b(?:answer|choice|option)\\s*(?:is)?\\s*[:=]?\\s*(?:option\\s+)?${letter}`, "giu")),
  ]
    .map(([, found]) => found as string)
    .filter((found) => found === found.toUpperCase());
  if (named.length > 0) return indexOfLetter(named.at(-1) as string);
  // "A dog barks" begins with a word, "A. dog" and "A" with a letter
  const [, first] = new RegExp(`^${letter}(?=\\s*(?:$|[\\n).:,\\]"'-]))`, "u").exec(text) ?? [];
  if (first !== undefined) return indexOfLetter(first);
  return choiceByText(text, choices, false);
}

const indexOfLetter = (letter: string): number => letter.charCodeAt(0) - 65;

/** Lower-case words with single blanks around. */
const plain = (text: string): string =>
  ` ${text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim()} `;

/** @param whole whether the answer must be the choice and nothing else. */
function choiceByText(answer: string, choices: readonly string[], whole: boolean): number | undefined {
  const said = plain(answer);
  const texts = choices.map(plain);
  const found = texts.flatMap((text, i) =>
    text.trim() !== "" && (whole ? said === text : said.includes(text)) ? [i] : [],
  );
  // "two dogs" holds "dogs": the longer one is meant when the others lie within it
  const longest = found.reduce<number | undefined>(
    (best, i) => (best === undefined || texts[i]!.length > texts[best]!.length ? i : best),
    undefined,
  );
  if (longest === undefined) return undefined;
  const rest = said.replaceAll(texts[longest]!, " | ");
  const alone = found.every((i) => i === longest || (texts[i] !== texts[longest] && !rest.includes(texts[i]!)));
  return alone ? longest : undefined;
}
