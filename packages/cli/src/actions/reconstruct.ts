/** The work of `uat reconstruct`. */
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { type Channel, DECODER_SAMPLE_RATE, openAudio, speechBlocks, type WavEncoding } from "@uat/audio";
import { encodePng, MelColumns } from "@uat/audio/plot";
import type { Command } from "commander";
import { AudioDecoder, AudioTokenizer, type ClipCodes } from "universal-audio-tokenizer";
import { embeddedFolder } from "universal-audio-tokenizer/internal";
import { InputError } from "../errors.ts";
import { audioFiles, type NamedAudio } from "../input/audio-files.ts";
import { withAudioSource } from "../input/open-source.ts";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { jsonOf, lineOf, type NamedCodes } from "../output/codes-format.ts";
import { type Outputs, stem, withOutputs } from "../output/outputs.ts";
import { refuseOverwriting } from "../output/overwriting.ts";
import { Reporter } from "../output/reporter.ts";
import { print, printLine } from "../output/standard-output.ts";
import { decodeInto, tokenizeFile } from "./steps.ts";

interface Options extends GlobalOptions {
  readonly samples?: boolean;
  readonly outDir: string;
  readonly plot?: boolean;
  readonly format?: "json" | "jsonl" | "txt";
  readonly model: string;
  readonly channel: Channel;
  readonly dtype: "fp32" | "q8";
  readonly seed: number;
  readonly window?: number;
  readonly encoding: WavEncoding;
}

/** Most codes printed in full, 40 s; of longer clips the first and last of them. */
const SHOWN = 1000;
/** Codes a line. */
const PER_LINE = 20;

export async function reconstruct(paths: readonly string[], command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const reporter = new Reporter(options.quiet ?? false);
  const all = [...paths, ...(options.samples ? samplePaths() : [])];
  if (all.length === 0) throw new InputError("no files given; name audio files, or --samples");
  const files = await audioFiles(all);
  const names = outputNames(files, options.outDir);
  await refuseOverwriting(
    files.map((f) => f.audio),
    names.map((n) => `${n}.wav`),
    `give another directory than --out-dir ${options.outDir}`,
  );

  const model = modelOptions(command, reporter);
  const tokenizer = await AudioTokenizer.fromPretrained(options.model, { ...model, dtype: options.dtype });
  try {
    const decoder = await AudioDecoder.fromPretrained(options.model, model);
    try {
      if (decoder.frameRate !== tokenizer.frameRate || decoder.codebookSize < tokenizer.codebookSize)
        throw new InputError(
          `${options.model}: its decoder (${decoder.codebookSize} codes, ${decoder.frameRate} a second) does not fit its tokenizer (${tokenizer.codebookSize}, ${tokenizer.frameRate})`,
        );
      const rows: NamedCodes[] = [];
      await withOutputs(async (outputs) => {
        for (const [i, file] of files.entries()) {
          const row = await reconstructFile(file, names[i]!, { tokenizer, decoder, outputs, reporter, options });
          if (options.format === "json") rows.push(row);
        }
      });
      if (options.format === "json") await print(jsonOf(rows));
      if (!options.format)
        await printLine(`→ ${names.map((n) => `${n}.wav${options.plot ? `, ${n}.png` : ""}`).join(", ")}`);
    } finally {
      await decoder.dispose();
    }
  } finally {
    await tokenizer.dispose();
  }
}

interface Context {
  readonly tokenizer: AudioTokenizer;
  readonly decoder: AudioDecoder;
  readonly outputs: Outputs;
  readonly reporter: Reporter;
  readonly options: Options;
}

async function reconstructFile(
  file: NamedAudio,
  name: string,
  { tokenizer, decoder, outputs, reporter, options }: Context,
): Promise<NamedCodes> {
  const { channel, format, plot, encoding, seed, window } = options;
  const row = await tokenizeFile(tokenizer, file, { channel, label: file.path, reporter });
  const { clip } = row;
  reporter.clear();
  if (format === "jsonl" || format === "txt") await print(lineOf(row, format));
  if (!format) await print(`${summary(file.path, clip)}\n${codeLines(clip.codes)}\n`);

  const seconds = Math.max(clip.duration, clip.codes.length / clip.frameRate);
  const output = plot ? new MelColumns(seconds, (await import("../plot/panels.ts")).PLOT_WIDTH) : undefined;
  await decodeInto(decoder, {
    codes: clip.codes,
    out: await outputs.open(`${name}.wav`),
    encoding,
    stream: false,
    options: { seed, window, onProgress: (share) => reporter.progress(`${name}.wav`, share) },
    onSamples: output && ((samples) => output.push(samples)),
  });
  reporter.clear();
  if (output) {
    output.finish();
    await plotFile(file, `${name}.png`, row, output, { decoder, outputs, options, seconds });
  }
  return row;
}

async function plotFile(
  file: NamedAudio,
  path: string,
  { clip }: NamedCodes,
  output: MelColumns,
  { decoder, outputs, options, seconds }: Pick<Context, "decoder" | "outputs" | "options"> & { seconds: number },
): Promise<void> {
  const { drawComparison } = await import("../plot/comparison.ts");
  const input = new MelColumns(seconds, output.columns);
  await withAudioSource(file.audio, async (source) => {
    const stream = await openAudio(source, { name: file.path });
    try {
      const blocks = speechBlocks(stream, {
        sampleRate: DECODER_SAMPLE_RATE,
        channel: options.channel,
        name: file.path,
      });
      for await (const block of blocks) input.push(block);
    } finally {
      stream.close();
    }
  });
  input.finish();
  const title = file.path === "-" ? "standard input" : (file.path.split(/[\\/]/).at(-1) ?? file.path);
  const canvas = drawComparison({
    title,
    subtitle: `${clip.codes.length} codes · ${rate(clip)} · model ${options.model} · decoder ${decoder.kind}`,
    input,
    output,
    codes: clip.codes,
    frameRate: clip.frameRate,
    seconds,
  });
  await (await outputs.open(path)).write(encodePng(canvas));
}

const rate = ({ frameRate, codebookSize }: ClipCodes): string =>
  `${frameRate} a second · ${Math.round(frameRate * Math.log2(codebookSize))} bit/s`;

const summary = (path: string, clip: ClipCodes): string =>
  `${path}: ${clip.duration.toFixed(2)} s → ${clip.codes.length} codes · ${rate(clip)}`;

function codeLines(codes: Int32Array): string {
  if (codes.length > SHOWN) {
    const half = SHOWN / 2;
    return `${codeLines(codes.subarray(0, half))}\n  … ${codes.length - SHOWN} more …\n${codeLines(codes.subarray(-half))}`;
  }
  const lines: string[] = [];
  for (let at = 0; at < codes.length; at += PER_LINE) lines.push(`  ${codes.subarray(at, at + PER_LINE).join(" ")}`);
  return lines.join("\n");
}

/** The clips that come with the package. */
function samplePaths(): string[] {
  const folder = embeddedFolder("samples");
  const names = folder ? readdirSync(folder).filter((n) => n.endsWith(".flac")) : [];
  if (!folder || names.length === 0) throw new InputError("--samples: this installation has no sample clips");
  // speech first: it tells most
  const order = (n: string) => ["speech.flac", "music.flac", "scene.flac"].indexOf(n);
  return names.sort((a, b) => order(a) - order(b)).map((n) => relative(process.cwd(), join(folder, n)));
}

/** Paths without ending, one a file, all different. */
function outputNames(files: readonly NamedAudio[], folder: string): string[] {
  const taken = new Set<string>();
  return files.map(({ path }) => {
    const base = path === "-" ? "stdin" : stem(path.replace(/[?#].*$/, "")) || "audio";
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
    taken.add(name);
    return join(folder, name);
  });
}
