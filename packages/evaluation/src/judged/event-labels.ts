/** Labels of sounds made comparable: "A Dog", "dogs" and "dog" are one. */
import type { SapAnswer } from "universal-audio-tokenizer/internal";

const ARTICLES = new Set(["a", "an", "the", "some"]);
/** Words in -s that are not plurals, beside those in -ss, -us and -is. */
const SINGULAR = new Set(["gas", "glass", "lens", "series", "news", "bagpipes"]);
/** Plurals that no rule of spelling gives. */
const IRREGULAR: Readonly<Record<string, string>> = {
  men: "man",
  women: "woman",
  children: "child",
  people: "person",
  feet: "foot",
  geese: "goose",
  mice: "mouse",
  wolves: "wolf",
  knives: "knife",
  leaves: "leaf",
};

/**
 * Lower case, punctuation to blanks, articles dropped, each word in its singular by English rules of spelling: what is
 * left has to be equal. Synonyms stay apart.
 */
export function normalizeEventLabel(label: string): string {
  return label
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[’']s\b/g, "")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .split(" ")
    .filter((word) => word !== "" && !ARTICLES.has(word))
    .map(singular)
    .join(" ");
}

function singular(word: string): string {
  if (Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word] as string;
  if (word.length < 4 || !word.endsWith("s") || /(ss|us|is)$/.test(word) || SINGULAR.has(word)) return word;
  if (/[^aeiou]ies$/.test(word) && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(sses|shes|ches|xes|zzes)$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}

/** The different labels of an answer, discrete and continuous together, normalised. */
export function eventLabels({ nonLinguisticEvents: { discreteEvents, continuousEvents } }: SapAnswer): Set<string> {
  const labels = [...discreteEvents, ...continuousEvents].map(({ label }) => normalizeEventLabel(label));
  return new Set(labels.filter((label) => label !== ""));
}
