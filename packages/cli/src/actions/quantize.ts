/** The work of `uat quantize`: write, then run both on the same clips. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { AudioDescriber, AudioTokenizer, type ClipCodes } from "universal-audio-tokenizer";
import {
  type ExportedFile,
  embeddedFolder,
  ITEM_BYTES,
  type ModelFiles,
  openModel,
  openSafetensorsModel,
  packDescriber,
  quantizeTokenizer,
} from "universal-audio-tokenizer/internal";
import { InputError } from "../errors.ts";
import { audioFiles, type NamedAudio } from "../input/audio-files.ts";
import { type GlobalOptions, type ModelOptions, modelOptions } from "../options.ts";
import { type Outputs, withOutputs } from "../output/outputs.ts";
import { refuseOverwriting } from "../output/overwriting.ts";
import { formatBytes, Reporter } from "../output/reporter.ts";
import { printLine } from "../output/standard-output.ts";

interface Options extends GlobalOptions {
  readonly out: string;
  readonly part: "tokenizer" | "describer";
  readonly vocabulary?: number;
  readonly audio?: readonly string[];
}

export async function quantize(model: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  if (options.vocabulary !== undefined && options.part !== "describer")
    throw new InputError("--vocabulary: a tokenizer has none; expected it with --part describer");
  const reporter = new Reporter(options.quiet ?? false);
  const shared = modelOptions(command, reporter);
  const clips = await audioFiles(options.audio ?? (await samples()));
  const files = await openModel(model, { ...shared, part: "tokenizer" });
  const inner = options.part === "tokenizer" ? "tokenizer" : "";
  await refuseOverwriting(
    ["model.safetensors", "tokenizer/model.safetensors"].map((name) => join(files.source, name)),
    [join(options.out, inner, "model.safetensors")],
    "give another --out",
  );
  const work = { model, files, clips, shared, reporter, options };
  if (options.part === "tokenizer") await quantizeCodec(work);
  else await pack(work);
}

interface Work {
  readonly model: string;
  readonly files: ModelFiles;
  readonly clips: readonly NamedAudio[];
  readonly shared: ModelOptions;
  readonly reporter: Reporter;
  readonly options: Options;
}

/** The three clips that come with the package. @throws InputError where there are none. */
async function samples(): Promise<string[]> {
  const folder = embeddedFolder("samples");
  if (folder === undefined) throw new InputError("this installation has no sample clips; give some with --audio");
  return (await readdir(folder)).filter((name) => name.endsWith(".flac")).map((name) => join(folder, name));
}

async function write(
  { files, options }: Work,
  body: (open: Outputs["open"]) => Promise<ExportedFile[]>,
): Promise<void> {
  const before = await weightBytes(files);
  const written = await withOutputs((outputs) => body((path) => outputs.open(join(options.out, path))));
  for (const { path, bytes } of written) {
    const was = path.endsWith(".safetensors") ? ` (was ${formatBytes(before)})` : "";
    await printLine(`${join(options.out, path)}  ${formatBytes(bytes)}${was}`);
  }
}

/** Bytes of the tensors in a model's tokenizer. */
async function weightBytes(files: ModelFiles): Promise<number> {
  const folder = (await files.exists("tokenizer/config.json")) ? "tokenizer/" : "";
  const store = await openSafetensorsModel(files, `${folder}model`);
  let bytes = 0;
  for (const name of store.names()) {
    const info = store.info(name);
    if (info) bytes += info.shape.reduce((n, d) => n * d, 1) * ITEM_BYTES[info.dtype];
  }
  await store.close();
  return bytes;
}

async function quantizeCodec(work: Work): Promise<void> {
  const { model, files, options } = work;
  const float = await encodeAll(work, model, "fp32");
  await write(work, (open) => quantizeTokenizer(files, open));
  await printLine(`float weights               ${rate(float)}`);
  for (const dtype of ["fp32", "q8"] as const) {
    const int8 = await encodeAll(work, options.out, dtype);
    let [same, all] = [0, 0];
    for (const [i, clip] of float.clips.entries()) {
      all += clip.codes.length;
      for (const [n, code] of clip.codes.entries()) if (int8.clips[i]?.codes[n] === code) same++;
    }
    await printLine(
      `int8 weights, --dtype ${dtype.padEnd(6)}${rate(int8)}, ${same} of ${all} codes equal (${percent(same, all)})`,
    );
  }
}

interface Encoded {
  readonly clips: readonly ClipCodes[];
  /** Of audio, and of work. */
  readonly seconds: number;
  readonly worked: number;
}

async function encodeAll({ clips, shared, reporter }: Work, model: string, dtype: "fp32" | "q8"): Promise<Encoded> {
  const tokenizer = await AudioTokenizer.fromPretrained(model, { ...shared, dtype });
  try {
    const out: ClipCodes[] = [];
    // the first run of a network also prepares it
    if (clips[0]) await tokenizer.encode(clips[0].audio);
    const started = Date.now();
    for (const [i, { path, audio }] of clips.entries()) {
      reporter.progress(path, i / clips.length, dtype);
      const clip = (await tokenizer.encode(audio)).clips[0] as ClipCodes;
      if (clip.codes.length === 0) throw new InputError(`${path}: has no samples; expected audio that is not empty`);
      out.push(clip);
    }
    reporter.clear();
    return {
      clips: out,
      seconds: out.reduce((n, clip) => n + clip.duration, 0),
      worked: (Date.now() - started) / 1000,
    };
  } finally {
    await tokenizer.dispose();
  }
}

const rate = ({ seconds, worked }: Omit<Encoded, "clips">): string =>
  `${(worked / seconds).toFixed(4)} s of work a second of audio`;
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`;

async function pack(work: Work): Promise<void> {
  const { model, files, options } = work;
  const before = await describeAll(work, model);
  await write(work, (open) => packDescriber(files, open, { vocabulary: options.vocabulary }));
  await printLine(`checkpoint  ${rate(before)}`);
  const after = await describeAll(work, options.out);
  const { jiwerCharacters } = await import("@uat/evaluation");
  const same = before.texts.filter((text, i) => text === after.texts[i]).length;
  const { rate: edits } = jiwerCharacters(before.texts, after.texts);
  await printLine(
    `pack        ${rate(after)}, ${same} of ${before.texts.length} answers equal, ${(100 * edits).toFixed(2)} % of ` +
      "characters edited",
  );
}

interface Described {
  readonly texts: readonly string[];
  readonly seconds: number;
  readonly worked: number;
}

async function describeAll({ clips, shared, reporter, model }: Work, describer: string): Promise<Described> {
  const network = await AudioDescriber.fromPretrained(describer, { ...shared, codec: model });
  try {
    const texts: string[] = [];
    let seconds = 0;
    const started = Date.now();
    for (const [i, { path, audio }] of clips.entries()) {
      reporter.progress(path, i / clips.length, "described");
      const { text, pieces } = await network.describe(audio);
      texts.push(text);
      seconds += pieces.reduce((n, piece) => n + piece.duration, 0);
    }
    reporter.clear();
    if (seconds === 0) throw new InputError("the clips of --audio have no samples; expected audio that is not empty");
    return { texts, seconds, worked: (Date.now() - started) / 1000 };
  } finally {
    await network.dispose();
  }
}
