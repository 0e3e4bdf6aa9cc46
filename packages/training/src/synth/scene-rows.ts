/**
 * Scenes as rows of Parquet, laid out as Hugging Face data sets with audio are. The clips are WAV files of 16-bit PCM:
 * every reader knows them, they decode at once, and nothing is lost that a 16-bit file could keep; FLAC would save
 * about half of the space.
 */
import { encodeWav } from "@uat/audio";
import { formatSap } from "@uat/evaluation";
import type { SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Scene } from "./composer.ts";
import type { Voice } from "./voices.ts";

export interface SceneRow {
  readonly audio: { readonly bytes: Uint8Array; readonly path: string };
  /** What the decoder writes for `task`. */
  readonly text: string;
  readonly task: string;
  /** SAP JSON, whatever the task. */
  readonly sap: string;
  /** Labels of all sounds. */
  readonly tags: readonly string[];
  readonly speaker: string | null;
  readonly language: string | null;
  /** Seconds. */
  readonly duration: number;
  readonly sampling_rate: number;
  /** JSON: one object a source, what it is and what was done with it. */
  readonly provenance: string;
}

export const sceneName = (index: number): string => `scene-${String(index).padStart(6, "0")}`;

export function sceneRow(scene: Scene): SceneRow {
  const voice: Voice | undefined = scene.facts.speech?.voice;
  return {
    audio: { bytes: encodeWav([scene.samples], scene.sampleRate), path: `${sceneName(scene.index)}.wav` },
    text: scene.text,
    task: scene.task,
    sap: formatSap(scene.sap),
    tags: [...new Set(scene.facts.sounds.map((s) => s.label))],
    speaker: voice?.speaker ?? null,
    language: voice?.language ?? null,
    duration: scene.samples.length / scene.sampleRate,
    sampling_rate: scene.sampleRate,
    provenance: JSON.stringify(provenanceOf(scene)),
  };
}

const rounded = (value: number | undefined, digits: number): number | undefined =>
  value === undefined ? undefined : Number(value.toFixed(digits));

/** Seconds, decibels and hertz; what does not apply is left out. */
function provenanceOf({ parts, sampleRate }: Scene): object[] {
  const seconds = (samples: number) => rounded(samples / sampleRate, 4)!;
  return parts.map((part) => ({
    role: part.role,
    ...part.origin,
    label: part.label,
    heard: part.spans.map(({ start, end }) => [seconds(start), seconds(end)]),
    excerpt: rounded(part.excerpt, 4),
    gain: rounded(part.gain, 2),
    snr: part.role === "speech" ? undefined : rounded(part.snr, 2),
    seed: part.seed,
    distance: part.path.distance,
    reverberation_time: rounded(part.path.reverberationTime, 3),
    direct_to_reverberant: rounded(part.path.directToReverberant, 2),
    low_pass: rounded(part.path.cutoff, 0),
    rate: rounded(part.changes?.rate, 3),
    pitch: rounded(part.changes?.pitch, 2),
    energy: rounded(part.changes?.energy, 2),
  }));
}

/** Rows of a row group: a reader takes one group at a time. */
const GROUP = 32;

const text = (name: string): SchemaElement => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  logical_type: { type: "STRING" },
  repetition_type: "OPTIONAL",
});
const group = (name: string, children: number): SchemaElement => ({
  name,
  num_children: children,
  repetition_type: "OPTIONAL",
});

const SCHEMA: SchemaElement[] = [
  { name: "root", num_children: 10 },
  group("audio", 2),
  { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
  text("path"),
  text("text"),
  text("task"),
  text("sap"),
  { ...group("tags", 1), converted_type: "LIST", logical_type: { type: "LIST" } },
  { name: "list", num_children: 1, repetition_type: "REPEATED" },
  text("element"),
  text("speaker"),
  text("language"),
  { name: "duration", type: "DOUBLE", repetition_type: "OPTIONAL" },
  { name: "sampling_rate", type: "INT32", repetition_type: "OPTIONAL" },
  text("provenance"),
];

/** What `datasets` reads the types of columns from. */
const features = (sampleRate: number): object => {
  const value = (dtype: string) => ({ dtype, _type: "Value" });
  return {
    audio: { sampling_rate: sampleRate, _type: "Audio" },
    text: value("string"),
    task: value("string"),
    sap: value("string"),
    tags: [value("string")],
    speaker: value("string"),
    language: value("string"),
    duration: value("float64"),
    sampling_rate: value("int32"),
    provenance: value("string"),
  };
};

/** A Parquet file of rows. The same rows give the same bytes. */
export function encodeShard(rows: readonly SceneRow[], sampleRate: number): Uint8Array {
  const names = [
    "audio",
    "text",
    "task",
    "sap",
    "tags",
    "speaker",
    "language",
    "duration",
    "sampling_rate",
    "provenance",
  ];
  const buffer = parquetWriteBuffer({
    columnData: names.map((name) => ({
      name,
      data: rows.map((row) => row[name as keyof SceneRow]),
      // sound does not get smaller, and is read at once so
      ...(name === "audio" ? { codec: "UNCOMPRESSED" as const, statistics: false } : {}),
    })),
    schema: SCHEMA,
    rowGroupSize: GROUP,
    kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features: features(sampleRate) } }) }],
  });
  return new Uint8Array(buffer);
}
