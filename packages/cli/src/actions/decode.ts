/** The work of `uat decode`. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { WavEncoding } from "@uat/audio";
import type { Command } from "commander";
import { AudioDecoder, type Prompt } from "universal-audio-tokenizer";
import { InputError } from "../errors.ts";
import { readFloats } from "../input/arrays.ts";
import { checkFile } from "../input/audio-files.ts";
import { promptOfClip, promptOfFiles } from "../input/prompt.ts";
import { checkCodes, readTokens, type TokenRow } from "../input/token-files.ts";
import { type GlobalOptions, type ModelOptions, modelOptions } from "../options.ts";
import { formatOf } from "../output/audio-output.ts";
import { stem, withOutputs } from "../output/outputs.ts";
import { refuseOverwriting } from "../output/overwriting.ts";
import { Reporter } from "../output/reporter.ts";
import { standardOutput } from "../output/standard-output.ts";
import { decodeInto } from "./steps.ts";

export interface DecodeCommandOptions extends GlobalOptions {
  readonly out: string;
  readonly model: string;
  readonly stream?: boolean;
  readonly blockSize?: number;
  readonly window?: number;
  readonly seed: number;
  readonly encoding: WavEncoding;
  readonly embedding?: string;
  readonly prompt?: string;
  readonly promptTokens?: string;
  readonly promptMel?: string;
}

export async function decode(tokens: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<DecodeCommandOptions>();
  const reporter = new Reporter(options.quiet ?? false);
  checkOptions(options);
  for (const path of [options.embedding, options.prompt, options.promptTokens, options.promptMel])
    if (path !== undefined) await checkFile(path);
  const rows = await readTokens(tokens);
  const targets = outputPaths(rows, options.out);
  const inputs = [tokens, options.embedding, options.prompt, options.promptTokens, options.promptMel];
  await refuseOverwriting(inputs, targets, "give another --out");
  const model = modelOptions(command, reporter);
  const decoder = await AudioDecoder.fromPretrained(options.model, model);
  try {
    const lists = rows.map((row) => checkCodes(row, decoder.codebookSize, decoder.frameRate));
    const embedding = options.embedding === undefined ? undefined : (await readFloats(options.embedding)).data;
    const prompt = await readPrompt(options, model, decoder);
    await withOutputs(async (outputs) => {
      for (const [i, codes] of lists.entries()) {
        const target = targets[i]!;
        const out = target === "-" ? standardOutput : await outputs.open(target);
        const seconds = await decodeInto(decoder, {
          codes,
          out,
          encoding: options.encoding,
          stream: options.stream ?? false,
          options: {
            seed: options.seed,
            embedding,
            prompt,
            window: options.window,
            blockSize: options.blockSize,
            onProgress: (share) => reporter.progress(rows[i]!.name, share),
          },
        });
        reporter.note(
          `${target === "-" ? "standard output" : target}: ${seconds.toFixed(2)} s from ${codes.length} codes`,
        );
      }
    });
  } finally {
    await decoder.dispose();
  }
}

/** @throws InputError for options that contradict each other. */
function checkOptions(o: DecodeCommandOptions): void {
  if ((o.promptTokens === undefined) !== (o.promptMel === undefined))
    throw new InputError("--prompt-tokens and --prompt-mel belong together; give both");
  const prompted = o.prompt !== undefined || o.promptTokens !== undefined;
  if (o.prompt !== undefined && o.promptTokens !== undefined)
    throw new InputError("--prompt and --prompt-tokens exclude each other; give one of them");
  if (prompted && o.stream) throw new InputError("--stream takes no prompt; leave one of them out");
  if (prompted && o.window !== undefined) throw new InputError("--window takes no prompt; leave one of them out");
  if (o.blockSize !== undefined && !o.stream) throw new InputError("--block-size is for --stream; give both");
  const format = formatOf(o.out);
  if (format !== "wav" && o.encoding === "f32")
    throw new InputError(`--encoding f32 with --out ${o.out}: only wav holds floats: leave it out, or write wav`);
  if (o.out === "-" && process.stdout.isTTY) throw new InputError("wav is not text: give --out FILE, or pipe it");
}

async function readPrompt(
  o: DecodeCommandOptions,
  model: ModelOptions,
  decoder: AudioDecoder,
): Promise<Prompt | undefined> {
  if (o.prompt !== undefined) return promptOfClip(o.prompt, o.model, model);
  if (o.promptTokens !== undefined) return promptOfFiles(o.promptTokens, o.promptMel!, decoder);
  return undefined;
}

/** Where each row goes: --out itself for one row, NAME.wav in the directory --out for several. */
function outputPaths(rows: readonly TokenRow[], out: string): string[] {
  const isFolder = out !== "-" && (/[\\/]$/.test(out) || (existsSync(out) && statSync(out).isDirectory()));
  if (!isFolder) {
    if (rows.length === 1) return [out];
    throw new InputError(
      `${rows.length} lists of codes and one --out ${out}: give a directory, e.g. --out decoded/, to get a file for each`,
    );
  }
  const taken = new Set<string>();
  return rows.map((row, i) => {
    const base = row.path && row.path !== "-" ? stem(row.path) : rows.length === 1 ? "decoded" : `${i + 1}`;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
    taken.add(name);
    return join(out, `${name}.wav`);
  });
}
