import { expect, test } from "vitest";
import { accentOf, readAge, readEmotion, readGender } from "./voices.ts";

test.each([
  ["", null],
  [undefined, null],
  ["Adult", "Adult"],
  ["7", "Child"],
  ["14", "Adult"],
  ["59", "Adult"],
  ["60", "Elderly"],
  ["twenties", "Adult"],
  ["seventies", "Elderly"],
])("age %s", (text, age) => expect(readAge(text, "row 1")).toBe(age));

test("gender in several spellings", () => {
  expect(["f", "FEMALE", "woman"].map((g) => readGender(g, ""))).toEqual(["Female", "Female", "Female"]);
  expect(["m", "Male", "male_masculine"].map((g) => readGender(g, ""))).toEqual(["Male", "Male", "Male"]);
  expect(readGender(" ", "")).toBeNull();
});

test("emotions are never guessed", () => {
  expect(readEmotion("angry", "")).toBe("Anger");
  expect(readEmotion("Excitement", "")).toBe("Happiness");
  expect(readEmotion("neutral", "")).toBe("Neutral");
  expect(() => readEmotion("blue", "row 3")).toThrow(/row 3: emotion "blue"; expected one of Anger, /);
});

test("labels that cannot be read name the place", () => {
  expect(() => readAge("very old", "metadata.tsv row 2")).toThrow(/metadata\.tsv row 2: age "very old"/);
  expect(() => readGender("x", "row 2")).toThrow(/row 2: gender "x"; expected Female or Male/);
});

test("accents are those of native speakers", () => {
  expect(accentOf("en-US")).toBe("American English");
  expect(accentOf("en_GB")).toBe("British English");
  expect(accentOf("de")).toBe("German");
  expect(accentOf("de-DE")).toBe("German");
  expect(accentOf(null)).toBeNull();
  expect(accentOf("!")).toBeNull();
});
