import { describe, expect, it } from "vitest";
import { phonemeIds } from "./piper.ts";
import { promptText } from "./prompt-text.ts";

describe("promptText", () => {
  it.each([
    ["digits/17", "seventeen"],
    ["digits/40", "forty"],
    ["digits/h-20", "twentieth"],
    ["digits/h-12", "twelfth"],
    ["digits/h-hundred", "hundredth"],
    ["digits/day-0", "Sunday"],
    ["digits/mon-11", "December"],
    ["phonetic/w_p", "whiskey"],
    ["letters/q", "Q"],
    ["hello-world", "hello world"],
    ["vm-nobodyavail", ""],
    ["letters/ascii123", ""],
  ])("reads %s", (name, text) => {
    expect(promptText(`usr/share/asterisk/sounds/en_US_f_Allison/${name}.wav`, "en-US")).toBe(text);
  });

  it("says nothing of other languages", () => {
    expect(promptText("usr/share/asterisk/sounds/fr_CA_f_June/digits/1.wav", "fr-CA")).toBe("");
  });
});

describe("phonemeIds", () => {
  it("marks begin and end, pads between symbols and leaves out what a voice does not know", () => {
    const map = { _: [0], "^": [1], $: [2], a: [14], ʃ: [96], "\u0303": [141] };
    expect(phonemeIds("aʃ?", map)).toEqual([1, 0, 14, 0, 96, 0, 2]);
    expect(phonemeIds("ã", map)).toEqual([1, 0, 14, 0, 141, 0, 2]);
  });
});
