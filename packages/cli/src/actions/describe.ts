/** The work of `uat describe`. */
import type { Channel } from "@uat/audio";
import type { Command } from "commander";
import { AudioDescriber, type ClipTokens, type DescribeTask, type Description } from "universal-audio-tokenizer";
import { InputError } from "../errors.ts";
import { audioFiles, isUrl, type NamedAudio } from "../input/audio-files.ts";
import { holdsTokens } from "../input/holds-tokens.ts";
import { checkCodes, readTokens, type TokenRow } from "../input/token-files.ts";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { withOutputs } from "../output/outputs.ts";
import { refuseOverwriting } from "../output/overwriting.ts";
import { Reporter } from "../output/reporter.ts";
import { standardOutput } from "../output/standard-output.ts";

interface Options extends GlobalOptions {
  readonly task: DescribeTask;
  readonly describer: string;
  readonly model?: string;
  readonly channel: Channel;
  readonly dtype: "fp32" | "q8";
  readonly maxTokens?: number;
  readonly json?: boolean;
  readonly out: string;
}

/** A clip to describe: audio, or a row of codes. */
type Clip = NamedAudio | TokenRow;

export async function describe(paths: string[], command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const reporter = new Reporter(options.quiet ?? false);
  const clips = await clipsOf(paths);
  await refuseOverwriting(paths, [options.out], "give another --out");
  const describer = await AudioDescriber.fromPretrained(options.describer, {
    ...modelOptions(command, reporter),
    codec: options.model,
    dtype: options.dtype,
  });
  try {
    const inputs = clips.map((clip) => inputOf(clip, describer));
    await withOutputs(async (outputs) => {
      const out = options.out === "-" ? standardOutput : await outputs.open(options.out);
      for (const [i, clip] of clips.entries()) {
        const path = pathOf(clip);
        const label = clips.length > 1 ? `${path} (${i + 1} of ${clips.length})` : path;
        const started = Date.now();
        const description = await describer.describe(inputs[i] as string | ClipTokens, {
          task: options.task,
          channel: options.channel,
          maxTokens: options.maxTokens,
          onProgress: ({ seconds, duration }) =>
            reporter.progress(label, duration ? seconds / duration : undefined, `${seconds.toFixed(0)} s`),
        });
        if (description.pieces.length === 0)
          throw new InputError(`${path}: has no samples; expected audio that is not empty`);
        const end = description.pieces.reduce((n, piece) => n + piece.duration, 0);
        reporter.note(`${label}: ${end.toFixed(2)} s described in ${((Date.now() - started) / 1000).toFixed(2)} s`);
        reporter.clear();
        const single = clips.length === 1 && !options.json;
        await out.write(Buffer.from(single ? pretty(description) : line(path, description, options.json ?? false)));
      }
    });
  } finally {
    await describer.dispose();
  }
}

/** All clips, in the order of the files; a file of codes may hold several. */
async function clipsOf(paths: readonly string[]): Promise<Clip[]> {
  const clips: Clip[] = [];
  for (const file of await audioFiles(paths)) {
    if (isUrl(file.path) || !(await holdsTokens(file))) clips.push(file);
    else clips.push(...(await readTokens(file.path, typeof file.audio === "string" ? undefined : file.audio)));
  }
  return clips;
}

const pathOf = (clip: Clip): string => ("codes" in clip ? (clip.path ?? clip.name) : clip.path);

function inputOf(clip: Clip, { codebookSize, frameRate }: AudioDescriber): NamedAudio["audio"] | ClipTokens {
  return "codes" in clip ? { codes: checkCodes(clip, codebookSize, frameRate) } : clip.audio;
}

function pretty({ sap, text }: Description): string {
  return sap ? `${JSON.stringify(sap, null, 2)}\n` : `${text}\n`;
}

/** `{"path":…,"task":…,"sap":{…}}` */
function line(path: string, { task, sap, text, pieces }: Description, withPieces: boolean): string {
  const rounded = (seconds: number) => Math.round(seconds * 1e6) / 1e6;
  const answer = (of: { readonly sap?: unknown; readonly text: string }) =>
    of.sap ? { sap: of.sap } : { text: of.text };
  return `${JSON.stringify({
    path,
    task,
    ...answer({ sap, text }),
    ...(withPieces && {
      pieces: pieces.map((piece) => ({
        start: rounded(piece.start),
        duration: rounded(piece.duration),
        ...answer(piece),
      })),
    }),
  })}\n`;
}
