/** Stage `reader-lists`: the lists of clips with what a reader is to say of each. */
import { dirname, join, relative } from "node:path";
import { formatSap } from "universal-audio-tokenizer/internal";
import { writeWhole } from "../stages/write-whole.ts";
import { readTable } from "./lists.ts";

/** Languages of the speech, as accents. */
const ACCENTS: Readonly<Record<string, string>> = {
  "en-US": "American English",
  "en-GB": "British English",
  de: "German",
  "de-DE": "German",
};

const lines = (rows: readonly object[]) => `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;

/** Kokoro's voices say by their second letter who speaks; the recordings are a woman's. */
const genderOf = (speaker: string) => (/^[a-z]m_/.test(speaker) ? "Male" : "Female");

/** How far from its own speed a voice still sounds like the same person. */
const SAME_VOICE = 0.08;

/** Speech, and its copies (`speaker@speed`): of those that are much faster or slower nobody is told the gender. */
export function writeReaderSpeech(table: string, out: string): number {
  const rows = readTable(table).map((row) => {
    const [speaker, speed] = (row.speaker as string).split("@");
    const isSame = speed === undefined || Math.abs(Number(speed) - 1) < SAME_VOICE;
    return {
      audio: pathFrom(out, table, row.path as string),
      text: row.text,
      duration: row.duration === undefined ? undefined : Number(row.duration),
      accent: ACCENTS[row.language as string],
      ...(isSame && { gender: genderOf(speaker as string), age: "Adult" }),
    };
  });
  writeWhole(out, lines(rows));
  return rows.length;
}

/** Sounds by themselves: events come and go, backgrounds and music go on. */
export function writeReaderSounds(
  tables: Readonly<Record<"events" | "backgrounds" | "music", string>>,
  out: string,
): number {
  const rows = Object.entries(tables).flatMap(([kind, table]) =>
    readTable(table).map((row) => {
      const heard = [{ label: row.label as string, characteristic: "" }];
      return {
        audio: pathFrom(out, table, row.path as string),
        duration: Number(row.duration),
        text: formatSap({
          transcription: null,
          paralinguistics: { age: null, gender: null, emotion: null, accent: null, prosody: null, timbre: null },
          nonLinguisticEvents: {
            description: null,
            discreteEvents: kind === "events" ? heard : [],
            continuousEvents: kind === "events" ? [] : heard,
          },
        }),
      };
    }),
  );
  writeWhole(out, lines(rows));
  return rows.length;
}

const pathFrom = (out: string, table: string, path: string) => relative(dirname(out), join(dirname(table), path));
