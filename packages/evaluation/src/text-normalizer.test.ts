import { describe, expect, test } from "vitest";
import { normalizeBasic, normalizeEnglish, normalizeText } from "./text-normalizer.ts";

describe("texts that sound alike become one", () => {
  test.each([
    ["It's twenty-one o'clock!", "it is 21 oclock"],
    ["Nineteen oh five, nineteen eighty four and twenty twenty.", "1905 1984 and 2020"],
    ["nineteen hundred and five", "1905"],
    ["two hundred and five thousand three hundred", "205300"],
    ["A thousand and one nights; a hundred dogs; a dog", "1001 nights 100 dogs a dog"],
    ["1,234,567 and 3.14", "1234567 and 3.14"],
    ["three point one four", "3.14"],
    ["the twenty-first of May, the hundredth time", "the 21st of may the 100th time"],
    ["the 21st of May, the 100th time", "the 21st of may the 100th time"],
    ["twelfth, thirteenth, twenty second, third", "12th 13th 22nd 3rd"],
    ["one, two, three", "1 2 3"],
    ["one two three", "1 2 3"],
    ["20, 30", "20 30"],
    ["twenty, thirty", "20 30"],
    ["$5 million or five million dollars", "5000000 dollars or 5000000 dollars"],
    ["100% sure & ready", "100 percent sure and ready"],
    ["I won't, can't, don't and couldn't've; they'll go", "i will not can not do not and could not have they will go"],
    ["The dog's bone, the dogs' bones, let's go, he's in", "the dogs bone the dogs bones let us go he is in"],
    ["Mr. Smith's café in the U.S.A. [Music]", "mister smiths cafe in the usa"],
    ["You’re O.K., okay", "you are ok ok"],
    ["a hundred and fifty and more", "150 and more"],
    ["two thousand and twenty thousand", "2000 and 20000"],
    ["Rock and roll, and point taken", "rock and roll and point taken"],
    ["constructor toString __proto__ hasn't", "constructor tostring proto has not"],
    ["five thirty", "5 30"],
    ["", ""],
    ["... [noise]", ""],
  ])("%j", (text, want) => {
    expect(normalizeEnglish(text)).toBe(want);
    expect(normalizeEnglish(normalizeEnglish(text))).toBe(want);
  });
});

test("other languages keep their accents and words", () => {
  expect(normalizeBasic("Größe: „Ja“, ein-und-zwanzig Uhr. [Musik]")).toBe("größe ja ein und zwanzig uhr");
  expect(normalizeBasic("ＦＵＬＬ हिन्दी")).toBe("full हिन्दी");
  expect(normalizeText("one Ä", "de")).toBe("one ä");
  expect(normalizeText("one Ä")).toBe("1 a");
});
