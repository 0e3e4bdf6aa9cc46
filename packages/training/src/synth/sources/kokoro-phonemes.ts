/** espeak-ng's IPA in the symbols that Kokoro was trained on: one for each diphthong and affricate, punctuation kept. */
import type { Espeak } from "./espeak.ts";

/** Punctuation that Kokoro reads as pauses and melody; points and commas within numbers are none. */
const PUNCTUATION = /([;:,.!?…]+(?=[\s"”)]|$)|[—"“”()]+)/u;

/** Sounds that espeak-ng ties and Kokoro has one symbol for. */
const TIED: readonly (readonly [string, string])[] = [
  ["a^ɪ", "I"],
  ["a^ʊ", "W"],
  ["d^z", "ʣ"],
  ["d^ʒ", "ʤ"],
  ["e^ɪ", "A"],
  ["o^ʊ", "O"],
  ["ə^ʊ", "Q"],
  ["t^s", "ʦ"],
  ["t^ʃ", "ʧ"],
  ["ɔ^ɪ", "Y"],
  ["ə^l", "ᵊl"],
];

/** What else differs in English. */
const ENGLISH: readonly (readonly [string | RegExp, string])[] = [
  ["ʔn\u0329", "tᵊn"],
  [/l\u0329/g, "ᵊl"],
  [/n\u0329/g, "ᵊn"],
  [/m\u0329/g, "ᵊm"],
  [/\u0329/g, ""],
  [/r/g, "ɹ"],
  [/x/g, "k"],
  [/ɐ/g, "ə"],
  [/ɬ/g, "l"],
  [/ʲ/g, "j"],
];

const AMERICAN: readonly (readonly [string | RegExp, string])[] = [
  [/ɾ/g, "T"],
  [/ɚ/g, "əɹ"],
  [/ɜː(?!ɹ)/g, "ɜɹ"],
  [/ɝ/g, "ɜɹ"],
  [/ː/g, ""],
];

/** The symbols of a text in espeak-ng's language `voice`. */
export async function kokoroPhonemes(text: string, voice: string, espeak: Pick<Espeak, "phonemes">): Promise<string> {
  const parts = text.normalize("NFC").replace(/\s+/g, " ").trim().split(PUNCTUATION);
  let out = "";
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 1 || !/[\p{L}\p{N}]/u.test(part)) out += part;
    else {
      const [, before, clause, after] = /^(\s*)(.*?)(\s*)$/u.exec(part)!;
      out += before + kokoroSymbols(await espeak.phonemes(clause!, voice), voice) + after;
    }
  }
  return out.trim();
}

/** Tied IPA in Kokoro's symbols. */
export function kokoroSymbols(ipa: string, voice: string): string {
  let out = ipa;
  for (const [from, to] of TIED) out = out.replaceAll(from, to);
  out = out.replaceAll("^", "");
  const rules = voice.startsWith("en") ? [...ENGLISH, ...(voice === "en-us" ? AMERICAN : [])] : [];
  for (const [from, to] of rules) out = out.replaceAll(from as string, to);
  return out;
}
