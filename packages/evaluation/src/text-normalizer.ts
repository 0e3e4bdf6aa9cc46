/**
 * Texts made comparable before words are counted: what a listener cannot hear (case, punctuation, "21" or "twenty-one",
 * "it's" or "it is") should not count as an error. Figures by this normalisation are named so in reports; upstream's own
 * rules are in wer.ts. Its aims are those of the English normaliser of the Whisper paper (Radford et al., 2022, appendix
 * C); its rules are its own and fewer: spelling differences between British and American English stay.
 */
import { numbersToDigits } from "./number-words.ts";

const NEGATIONS: Readonly<Record<string, string>> = { "won't": "will not", "can't": "can not", "shan't": "shall not" };
const ENDINGS: Readonly<Record<string, string>> = { re: "are", ve: "have", ll: "will", d: "would", m: "am" };
/** Words after which 's is "is" (or "has"): elsewhere it marks a genitive and stays attached. */
const SUBJECTS = new Set("he she it that this there here what where who when how".split(" "));
const SPOKEN: Readonly<Record<string, string>> = {
  cannot: "can not",
  gonna: "going to",
  wanna: "want to",
  gotta: "got to",
  okay: "ok",
  mr: "mister",
  mrs: "missus",
  dr: "doctor",
  "let's": "let us",
  "o'clock": "oclock",
  "'em": "them",
  "'cause": "because",
};
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/\$\s*(\d[\d,.]*\d|\d)(\s+(?:thousand|million|billion|trillion))?/g, "$1$2 dollars"],
  [/£\s*(\d[\d,.]*\d|\d)(\s+(?:thousand|million|billion|trillion))?/g, "$1$2 pounds"],
  [/€\s*(\d[\d,.]*\d|\d)(\s+(?:thousand|million|billion|trillion))?/g, "$1$2 euros"],
  [/%/g, " percent "],
  [/&/g, " and "],
];

/** Words of one token that may hold apostrophes. */
function expandContraction(token: string): string {
  const spoken = Object.hasOwn(SPOKEN, token) ? SPOKEN[token] : Object.hasOwn(NEGATIONS, token) && NEGATIONS[token];
  if (spoken) return spoken;
  const [, stem, ending] = /^(.+)'([a-z]+)$/.exec(token) ?? [];
  if (stem === undefined || ending === undefined) return token.replaceAll("'", "");
  if (ending === "t" && stem.endsWith("n")) return `${expandContraction(stem.slice(0, -1))} not`;
  if (ending === "s" && SUBJECTS.has(stem)) return `${stem} is`;
  if (Object.hasOwn(ENDINGS, ending)) return `${expandContraction(stem)} ${ENDINGS[ending]}`;
  return token.replaceAll("'", "");
}

/** Stand-ins, from the private use area, for what must survive while punctuation goes. */
const [POINT, PAUSE] = ["\ue000", "\ue001"];

/**
 * English words for a report's word error rate: lower case without accents, punctuation and remarks in brackets;
 * contractions in full ("don't" → do not, "he's" → he is, but "dog's" → dogs); numbers in digits; money, per cent,
 * titles and "okay" in one spelling.
 */
export function normalizeEnglish(text: string): string {
  let plain = withoutRemarks(text)
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[‘’‛`´ʼ]/g, "'");
  for (const [pattern, replacement] of UNITS) plain = plain.replace(pattern, replacement);
  plain = plain
    .replace(/(\d),(?=\d{3}(?!\d))/g, "$1")
    .replace(/\b([a-z])\.(?=[a-z]\.)/g, "$1") // initials: U.S.A.
    .replace(/(\d)\.(?=\d)/g, `$1${POINT}`) // a decimal point
    .replace(/[,;:.!?()"“”]/g, ` ${PAUSE} `) // a pause ends a number
    .replace(/[^\p{L}\p{N}'\ue000\ue001]+/gu, " ")
    .replaceAll(POINT, ".");
  const words = plain
    .split(/\s+/)
    .filter((token) => token !== "")
    .flatMap((token) => (token === PAUSE ? [""] : expandContraction(token).split(" ").filter(Boolean)));
  return numbersToDigits(words).join(" ");
}

/** Any language: lower case, one form of each character, no remarks in brackets, punctuation and symbols to blanks. */
export function normalizeBasic(text: string): string {
  return withoutRemarks(text)
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();
}

/** The normalisation of reports for a language code such as `en`. */
export const normalizeText = (text: string, language = "en"): string =>
  language === "en" ? normalizeEnglish(text) : normalizeBasic(text);

/** Transcribers write what is no speech in brackets: [Music], <laughs>. */
const withoutRemarks = (text: string): string => text.replace(/\[[^\]]*\]|<[^>]*>/g, " ");
