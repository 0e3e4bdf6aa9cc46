/**
 * Speech that a person brings as a folder: audio files and a `metadata.tsv` with the columns path, language, speaker,
 * gender, age, text. The default weights were made with the public-domain (CC0) voices kathleen and kerstin, published
 * as rhasspy dataset-voice-kathleen and dataset-voice-kerstin.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RecipeError } from "../stages/errors.ts";
import { hashOrder } from "../stages/hash.ts";

export interface Utterance {
  /** Relative to the folder. */
  path: string;
  language: string;
  speaker: string;
  text: string;
}

/** Speaker whose sentences measure the result, and how many of them are kept out of training. */
export const EVALUATION_SPEAKER = "kathleen";
const HELD_OUT = 40;

/** Reads metadata.tsv of the folder. */
export function readSpeechFolder(folder: string | undefined): Utterance[] {
  if (folder === undefined) {
    throw new RecipeError(
      "no speech folder given: use --speech DIR or UAT_SPEECH=DIR, a folder with metadata.tsv (see recipes/base/README.md)",
    );
  }
  const file = join(folder, "metadata.tsv");
  if (!existsSync(file))
    throw new RecipeError(`${folder}: has no metadata.tsv; give the folder that holds it by --speech`);
  const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const columns = head!.split("\t");
  const wanted = ["path", "language", "speaker", "text"].map((name) => {
    const index = columns.indexOf(name);
    if (index < 0) throw new RecipeError(`${file}: has no column "${name}", only ${columns.join(", ")}`);
    return index;
  });
  return lines.map((line) => {
    const [path, language, speaker, text] = wanted.map((index) => line.split("\t")[index] ?? "");
    return { path: path!, language: language!, speaker: speaker!, text: text! };
  });
}

/** The paths kept out of training: always the same for the same folder. */
export function heldOutPaths(utterances: readonly Utterance[]): Set<string> {
  const candidates = utterances.filter((u) => u.speaker === EVALUATION_SPEAKER);
  return new Set(
    hashOrder(candidates, "held out", (u) => u.path)
      .slice(0, HELD_OUT)
      .map((u) => u.path),
  );
}
