/**
 * Makes the default weights, models/base: `npm run recipe:base -- --speech DIR`.
 *
 * Stages: fetch → convert → audio → codebook → decoder → evaluate. Each is skipped when its outputs are there and were
 * made from the same inputs. See README.md beside this file.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { convertWhisper } from "./convert.ts";
import { buildDataset } from "./dataset.ts";
import { RecipeError } from "./errors.ts";
import { fetchSources } from "./fetch.ts";
import { readManifest } from "./sources.ts";
import { readSpeechFolder } from "./speech-folder.ts";
import { runStage, type Stage } from "./stage.ts";

const log = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      speech: { type: "string" },
      work: { type: "string" },
      stages: { type: "string" },
    },
  });
  const work = resolve(values.work ?? fileURLToPath(new URL("work", import.meta.url)));
  const speech = values.speech ?? process.env.UAT_SPEECH;
  const downloads = join(work, "downloads");
  mkdirSync(work, { recursive: true });
  const manifest = readManifest();

  const fetched = [...manifest.weights, ...manifest.audio].map((source) => join(downloads, source.file));
  const whisper = ["config.json", "model.safetensors", "tokenizer.json"].map((name) => join(work, "whisper", name));
  const shard = (name: string) => join(work, "audio", name);

  const stages: (() => Stage)[] = [
    () => ({
      name: "fetch",
      revision: 1,
      inputs: [...manifest.weights, ...manifest.audio].map((source) => source.sha256),
      outputs: fetched,
      run: () => fetchSources(manifest, downloads, log),
    }),
    () => ({
      name: "convert",
      revision: 1,
      inputs: manifest.weights.map((source) => source.sha256),
      outputs: whisper,
      run: () =>
        convertWhisper(
          manifest.weights.map((source) => join(downloads, source.file)),
          join(work, "whisper"),
        ),
    }),
    () => ({
      name: "audio",
      revision: 1,
      inputs: [manifest.audio, readSpeechFolder(speech)],
      outputs: ["train", "held-out"].flatMap((name) => [`${shard(name)}.pcm`, `${shard(name)}.json`]),
      run: () =>
        buildDataset({
          manifest,
          speech,
          downloads,
          unpacked: join(work, "unpacked"),
          train: shard("train"),
          heldOut: shard("held-out"),
          log,
        }),
    }),
  ];

  const wanted = values.stages?.split(",");
  const known = ["fetch", "convert", "audio"];
  const unknown = wanted?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RecipeError(`--stages ${unknown}: expected some of ${known.join(",")}`);
  for (const [i, make] of stages.entries()) {
    if (!wanted || wanted.includes(known[i]!)) await runStage(make(), work, log);
  }
}

main().catch((error: unknown) => {
  const isInputError = error instanceof Error && "isInputError" in error;
  log(isInputError ? (error as Error).message : String((error as Error).stack ?? error));
  process.exitCode = isInputError ? 2 : 1;
});
