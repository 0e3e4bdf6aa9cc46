/** The manifest of everything the recipe takes from outside: where from, under which licence, pinned by SHA-256. */
import { readFileSync } from "node:fs";
import { RecipeError } from "../stages/errors.ts";

export type AudioClass = "speech" | "sound" | "music" | "quiet";

/** Which files of a source are taken, and how much of them. Patterns are matched against the path inside the source. */
export interface Selection {
  class: AudioClass;
  language?: string;
  include: string;
  exclude?: string;
  /** At most so many minutes of this selection. */
  minutes: number;
  /** At most so many seconds of one file. */
  clipSeconds?: number;
  /** Longer files are read from this second on. */
  skipSeconds?: number;
}

/** One registry package. */
export interface Source {
  name: string;
  registry: "pypi" | "npm" | "debian";
  version: string;
  /** The file its registry's client delivers. */
  file: string;
  sha256: string;
  licence: string;
  /** `train`: may shape the weights. `evaluate`: may only measure them. */
  use: "train" | "evaluate";
  attribution: string;
}

export interface AudioSource extends Source {
  /** The archive inside the package that holds the audio, when it is not in plain files. */
  container?: { zip: string } | { cat: string };
  /** What the first dataset takes of it. */
  select?: Selection[];
  /** Files that never train, because they are shipped as samples. */
  heldOut?: string;
}

export interface Manifest {
  /** Networks that the tokeniser starts from. */
  weights: Source[];
  /** Text to speech: what makes training speech, and voices that only measure. */
  voices: Source[];
  /** Networks that measure. */
  metrics: Source[];
  /** What the synthetic voices read. */
  texts: Source[];
  audio: AudioSource[];
}

/** Every package of the manifest. */
export const allSources = (manifest: Manifest): Source[] => [
  ...manifest.weights,
  ...manifest.voices,
  ...manifest.metrics,
  ...manifest.texts,
  ...manifest.audio,
];

/** Licences of what may shape the weights. */
const TRAINABLE = /^(CC0-1\.0|CC-BY(-SA)?-[34]\.0|MIT|Apache-2\.0|public-domain)$/;

/** Reads sources.json and refuses an entry that is not pinned or whose licence may not shape the weights. */
export function readManifest(file: string | URL = new URL("../sources.json", import.meta.url)): Manifest {
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
  for (const source of allSources(manifest)) {
    if (!/^[0-9a-f]{64}$/.test(source.sha256)) {
      throw new RecipeError(`sources.json: ${source.name} has sha256 "${source.sha256}", expected 64 hex digits`);
    }
    if (source.use === "train" && !TRAINABLE.test(source.licence)) {
      throw new RecipeError(`sources.json: ${source.name} is ${source.licence}, which may only be used to evaluate`);
    }
  }
  return manifest;
}
