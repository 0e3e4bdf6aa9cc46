/**
 * What the synthetic voices read: sentences of Moby-Dick and of the presidents' messages to Congress (both CC0 packages),
 * and plain sentences put together from the words below, since neither book speaks of buses and kitchens.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "@uat/training";
import { readerText } from "universal-audio-tokenizer/internal";
import type { Manifest } from "../sources/sources.ts";
import { listFiles, unpack } from "../sources/unpack.ts";
import { hashOrder } from "../stages/hash.ts";
import { EVALUATION_SPEAKER, heldOutPaths, readSpeechFolder } from "./speech-folder.ts";

/** Words and characters of a sentence that takes 2 to 9 s to say. */
const WORDS = [4, 17] as const;
const CHARACTERS = [24, 110] as const;

/** The sentences of one book, in an order drawn from their own hashes. */
export function bookSentences(folder: string, include: RegExp, count: number): string[] {
  const sentences = new Set<string>();
  for (const { path } of listFiles(folder)) {
    if (!include.test(path)) continue;
    const text = readFileSync(`${folder}/${path}`, "utf8").replace(/[’‘]/g, "'").replace(/\s+/g, " ");
    for (const [sentence] of text.matchAll(/(?<=[.!?] )[A-Z][^.!?]+[.!?](?= [A-Z])/g)) {
      if (isPlain(sentence)) sentences.add(sentence);
    }
  }
  return hashOrder([...sentences], "sentences", (text) => text).slice(0, count);
}

/** Without abbreviations, numerals and quotations, which voices and listeners spell in different ways. */
function isPlain(sentence: string): boolean {
  const words = sentence.split(" ").length;
  return (
    /^[A-Z][a-z]*[a-z', ]*( [A-Z]?[a-z',]+)*[.!?]$/.test(sentence) &&
    words >= WORDS[0] &&
    words <= WORDS[1] &&
    sentence.length >= CHARACTERS[0] &&
    sentence.length <= CHARACTERS[1]
  );
}

const PEOPLE =
  "my sister|the old doctor|our neighbour|a young teacher|the bus driver|her uncle|his daughter|the waiter|nobody here|everyone|the two brothers|a tall stranger|the manager|your cousin|the little boy|the children|Mrs Hughes|George|Charlotte|Vincent|a police officer|the gardener|the pilot|my grandfather|the students|an artist|this journalist|the choir".split(
    "|",
  );
const DID =
  "found|forgot|sold|bought|cleaned|repaired|measured|painted|lost|borrowed|photographed|recognised|pushed|watched|carried|hid|finished|chose|opened|moved|praised|ignored|shook|judged|washed|wrapped|dropped|touched|needed|enjoyed".split(
    "|",
  );
const THINGS =
  "the yellow bicycle|a broken window|three cups of tea|the garden chair|an enormous pizza|his leather shoes|the wrong key|a bunch of flowers|the television|her thick jumper|an old photograph|fourteen eggs|the wooden bridge|a bowl of soup|the kitchen cupboard|some fresh vegetables|the blue umbrella|their favourite song|a small violin|the last page|fifty thousand dollars|the motor boat|a new language|the jar of honey|this strange machine|the church tower|a pair of scissors|the orange juice|the whole village|a measure of sugar|the airport|a good joke|the weather report|half a watermelon|the southern coast|a thousand questions|the empty shelf|an azure vase".split(
    "|",
  );
const PLACES =
  "in the kitchen|near the station|behind the house|at the airport|under the bridge|on the third floor|by the river|at school|in the middle of the road|next to the library|outside the theatre|in Chicago|between two hills|across the valley|at the edge of the forest|in a quiet corner|on the way to Leeds|beneath the stairs".split(
    "|",
  );
const TIMES =
  "yesterday|last Thursday|early in the morning|before lunch|at half past eight|in January|two years ago|again and again|after the storm|just in time|on Wednesday evening|during the holidays|without a word|for the first time|at a quarter to five|every other weekend|in nineteen sixty|with great pleasure".split(
    "|",
  );
const ASIDES =
  "please|of course|unfortunately|as usual|I think|however|to be honest|luckily|by the way|if you ask me|believe me|perhaps".split(
    "|",
  );
const ASK =
  "Could you tell me why|Do you know whether|I am not sure if|Please ask him why|She wondered how|Who told you that|It is a pity that|Did you hear that|I hope that|Nobody believed that".split(
    "|",
  );
const NUMBERS =
  "two|three|five|seven|eight|eleven|thirteen|nineteen|twenty one|thirty six|forty|sixty five|eighty|ninety nine|a hundred".split(
    "|",
  );
const UNITS =
  "miles|pounds|minutes|degrees|gallons|tickets|litres|pages|seats|weeks|metres|euros|children|horses|boxes".split("|");

/** Plain sentences, always the same for a count. */
export function plainSentences(count: number): string[] {
  const random = new Random(41);
  const one = (list: readonly string[]) => list[random.below(list.length)]!;
  const forms: (() => string)[] = [
    () => `${one(PEOPLE)} ${one(DID)} ${one(THINGS)} ${one(PLACES)}.`,
    () => `${one(PEOPLE)} ${one(DID)} ${one(THINGS)} ${one(TIMES)}.`,
    () => `${one(TIMES)}, ${one(PEOPLE)} ${one(DID)} ${one(THINGS)}.`,
    () => `${one(ASIDES)}, ${one(PEOPLE)} ${one(DID)} ${one(THINGS)} ${one(PLACES)} ${one(TIMES)}.`,
    () => `${one(ASK)} ${one(PEOPLE)} ${one(DID)} ${one(THINGS)}${random.uniform(0, 1) < 0.5 ? "?" : "."}`,
    () => `There were ${one(NUMBERS)} ${one(UNITS)} left ${one(PLACES)}, ${one(ASIDES)}.`,
    () => `${one(PEOPLE)} paid ${one(NUMBERS)} dollars and ${one(NUMBERS)} cents for ${one(THINGS)}.`,
    () => `It takes ${one(NUMBERS)} ${one(UNITS)} to reach ${one(THINGS)} ${one(PLACES)}.`,
  ];
  const sentences = new Set<string>();
  while (sentences.size < count) {
    const sentence = forms[random.below(forms.length)]!();
    sentences.add(sentence[0]!.toUpperCase() + sentence.slice(1));
  }
  return [...sentences];
}

/** Pairs of words that were met less often are left out, and words that are there but once. */
const LEAST_PAIRS = 5;

/** How often each word, and each pair of words of a sentence, is in both books and in what is read; commonest first. */
export async function countWords(
  manifest: Manifest,
  downloads: string,
  unpacked: string,
  read: readonly string[],
): Promise<[text: string, count: number][]> {
  const words = new Map<string, number>();
  const pairs = new Map<string, number>();
  const count = (counts: Map<string, number>, text: string) => counts.set(text, (counts.get(text) ?? 0) + 1);
  const add = (text: string) => {
    for (const part of text.replace(/\s+/g, " ").split(/[.!?;:]\s/)) {
      let previous: string | undefined;
      for (const word of readerText(part).split(" ")) {
        const isWord = /^[a-z][a-z']*$/.test(word);
        if (isWord) count(words, word);
        if (isWord && previous !== undefined) count(pairs, `${previous} ${word}`);
        previous = isWord ? word : undefined;
      }
    }
  };
  for (const source of manifest.texts) {
    const folder = join(await unpack(source, downloads, unpacked), "package", "data");
    for (const { path } of listFiles(folder)) if (path.endsWith(".txt")) add(readFileSync(`${folder}/${path}`, "utf8"));
  }
  for (const text of read) add(text);
  const sorted = (counts: Map<string, number>, least: number) =>
    [...counts].filter(([, n]) => n >= least).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return [...sorted(words, 2), ...sorted(pairs, LEAST_PAIRS)];
}

/** All that is read, in one order; a voice folder's own training sentences are among it. */
export async function readingTexts(
  manifest: Manifest,
  downloads: string,
  unpacked: string,
  speech: string | undefined,
): Promise<string[]> {
  const folderOf = (name: string) => unpack(manifest.texts.find((s) => s.name.endsWith(name))!, downloads, unpacked);
  const data = async (name: string) => join(await folderOf(name), "package", "data");
  const utterances = readSpeechFolder(speech);
  const kept = heldOutPaths(utterances);
  const own = utterances.filter((u) => u.speaker === EVALUATION_SPEAKER && !kept.has(u.path)).map(({ text }) => text);
  const all = [
    // since 1960: plain speech
    ...bookSentences(await data("sotu"), /^(19[6-9]|20).*txt$/, 1600),
    ...bookSentences(await data("moby-dick"), /txt$/, 1400),
    ...plainSentences(2200),
    ...own,
  ];
  return hashOrder(all, "reading order", (text) => text);
}
