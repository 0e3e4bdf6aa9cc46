/** Options that several commands share, and the reading of numbers from the command line. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { TokenizerOptions } from "universal-audio-tokenizer";
import { formatBytes, type Reporter } from "./output/reporter.ts";

/** Options of `uat` itself, valid before and after the command's name. */
export interface GlobalOptions {
  readonly device: "auto" | "cpu" | "wasm" | "webgpu";
  readonly threads?: number;
  readonly quiet?: boolean;
}

export type ModelOptions = Omit<TokenizerOptions, "dtype">;

export const modelOption = (): Option =>
  new Option(
    "-m, --model <model>",
    "base (embedded), a directory with tokenizer/, decoder/ or both, or a hub id org/name",
  ).default("base");

export const revisionOption = (): Option =>
  new Option("--revision <name>", "branch, tag or commit of a hub model").default("main");

export const dtypeOption = (): Option =>
  new Option("--dtype <type>", "precision of the tokenizer: fp32, or q8 (int8, faster, a few codes differ)")
    .choices(["fp32", "q8"])
    .default("fp32");

export const channelOption = (): Option =>
  new Option("--channel <which>", "channel heard: a number from 0, or mean").default(0, "0").argParser((text) => {
    if (text === "mean") return "mean";
    if (/^\d{1,3}$/.test(text)) return Number(text);
    throw new InvalidArgumentError("Expected mean or a number from 0.");
  });

/** Parser of a whole number in [min, max]. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

/** What the library is told about the machine, with downloads and fallbacks reported. */
export function modelOptions(command: Command, reporter: Reporter): ModelOptions {
  const { device, threads, revision } = command.optsWithGlobals<GlobalOptions & { revision?: string }>();
  return {
    device,
    threads,
    revision,
    onWarning: (message) => reporter.warn(message),
    onLicense: ({ id, license }) => reporter.note(`${id}: licence ${license}`),
    progress_callback: ({ status, name, file, loaded, total }) => {
      if (status === "progress" && loaded !== undefined)
        reporter.progress(
          `${name} ${file ?? ""}`,
          total ? loaded / total : undefined,
          `${formatBytes(loaded)}${total ? ` of ${formatBytes(total)}` : ""}`,
        );
      if (status === "done") reporter.clear();
    },
  };
}
