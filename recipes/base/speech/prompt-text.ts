/** What an English telephone prompt says, where its name is the word: numbers, days, months, letters, plain words. */

const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const ORDINALS =
  "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth".split(
    " ",
  );
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const MONTHS = "January February March April May June July August September October November December".split(" ");
const PHONETIC =
  "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey x-ray yankee zulu".split(
    " ",
  );
const WORDS =
  /^(?:digits\/(?:h-)?)?(activated|added|at|billion|calling|cancelled|disabled|dollars|enabled|extension|from|goodbye|hello|hello-world|hours|hundred|invalid|lowercase|million|minus|minute|minutes|number|oh|one-moment-please|please-try-again|pound|removed|second|seconds|sorry|speed-dial|star|telephone-number|thousand|time|today|tomorrow|transfer|uppercase|with|yesterday|your)$/;

/** The text of a clip, or nothing. `path` is the file's inside its package, `language` a tag such as en-US. */
export function promptText(path: string, language: string): string {
  if (!language.startsWith("en")) return "";
  const name = /\/en_US_f_Allison\/(.*)\.wav$/.exec(path)?.[1];
  if (name === undefined) return "";
  const [, kind, rest = ""] = /^(?:(digits|letters|phonetic)\/)(.*)$/.exec(name) ?? [];
  if (kind === "phonetic") return /^[a-z]_p$/.test(rest) ? PHONETIC[rest.charCodeAt(0) - 97]! : "";
  if (kind === "letters") return /^[a-z]$/.test(rest) ? rest.toUpperCase() : "";
  if (kind === "digits") {
    const [, what, digits] = /^(|h-|day-|mon-)(\d+)$/.exec(rest) ?? [];
    if (digits !== undefined) return numbered(what!, Number(digits));
  }
  const word = WORDS.exec(name)?.[1]?.replaceAll("-", " ") ?? "";
  return word !== "" && name.startsWith("digits/h-") ? `${word}th` : word;
}

function numbered(what: string, n: number): string {
  if (what === "day-") return DAYS[n] ?? "";
  if (what === "mon-") return MONTHS[n] ?? "";
  const tens = n >= 20 && n % 10 === 0 ? TENS[n / 10 - 2]! : undefined;
  if (what === "h-") return tens ? tens.replace(/y$/, "ieth") : (ORDINALS[n - 1] ?? "");
  return tens ?? ONES[n] ?? "";
}
