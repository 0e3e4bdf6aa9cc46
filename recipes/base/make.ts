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
import { evaluate } from "./evaluate.ts";
import { fetchSources } from "./fetch.ts";
import { fitCodebook } from "./fit-codebook.ts";
import { fitDecoder } from "./fit-decoder.ts";
import { readManifest } from "./sources.ts";
import { readSpeechFolder } from "./speech-folder.ts";
import { runStage, type Stage } from "./stage.ts";
import { PREPROCESSOR_CONFIG, TOKENIZER_CONFIG } from "./tokenizer-config.ts";

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
  const model = resolve(fileURLToPath(new URL("../../models/base", import.meta.url)));
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
    () => ({
      name: "codebook",
      revision: 1,
      inputs: [TOKENIZER_CONFIG, PREPROCESSOR_CONFIG],
      after: [...whisper, `${shard("train")}.json`],
      outputs: ["config.json", "preprocessor_config.json", "model.safetensors"].map((name) =>
        join(model, "tokenizer", name),
      ),
      run: () =>
        fitCodebook({ whisper: join(work, "whisper"), shard: shard("train"), out: join(model, "tokenizer"), log }),
    }),
    () => ({
      name: "decoder",
      revision: 1,
      inputs: [],
      after: [join(model, "tokenizer", "model.safetensors"), `${shard("train")}.json`],
      outputs: [join(model, "decoder", "ridge.safetensors")],
      run: () => fitDecoder({ model, shard: shard("train"), out: join(model, "decoder", "ridge.safetensors"), log }),
    }),
    () => ({
      name: "evaluate",
      revision: 1,
      inputs: [],
      after: [
        ...["model.safetensors", "config.json"].map((name) => join(model, "tokenizer", name)),
        join(model, "decoder", "ridge.safetensors"),
        ...whisper,
      ],
      outputs: [join(work, "evaluation.json")],
      run: () =>
        evaluate({
          model,
          whisper: join(work, "whisper"),
          heldOut: shard("held-out"),
          out: join(work, "evaluation.json"),
          log,
        }),
    }),
  ];

  const wanted = values.stages?.split(",");
  const known = ["fetch", "convert", "audio", "codebook", "decoder", "evaluate"];
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
