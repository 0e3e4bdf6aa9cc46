/** The stages that make models/base and models/base-sap, in their order: what each reads, makes and runs. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatProgress, train } from "@uat/training";
import { readSceneConfig, synthesize } from "../../packages/training/src/synth/index.ts";
import { buildDataset } from "./codebook/dataset.ts";
import { copyRecordings, writeGenderList, writeList } from "./lists/lists.ts";
import { writeReaderSounds, writeReaderSpeech } from "./lists/reader-lists.ts";
import { DECODER_FIELDS } from "./networks/decoder-config.ts";
import { packDecoder } from "./networks/pack-decoder.ts";
import { packReader } from "./networks/pack-reader.ts";
import { packTokenizer } from "./networks/pack-tokenizer.ts";
import { startDecoder } from "./networks/start-decoder.ts";
import { startReader } from "./networks/start-reader.ts";
import { startTokenizer } from "./networks/start-tokenizer.ts";
import { TOKENIZER_CONFIG } from "./networks/tokenizer-config.ts";
import { collectClasses, SOUND_SETS } from "./sounds/evaluation-sounds.ts";
import { collectSounds } from "./sounds/sounds.ts";
import { fetchSources } from "./sources/fetch.ts";
import { METRIC_FILES, prepareMetrics, prepareVoices } from "./sources/networks.ts";
import { allSources, readManifest } from "./sources/sources.ts";
import { copyAtSpeeds } from "./speech/copies.ts";
import { makeEvaluationSpeech } from "./speech/evaluation-speech.ts";
import { collectRecordings } from "./speech/recordings.ts";
import { speak, writeMetadata } from "./speech/speak.ts";
import { readSpeechFolder } from "./speech/speech-folder.ts";
import { countWords, readingTexts } from "./speech/texts.ts";
import { RecipeError } from "./stages/errors.ts";
import type { Stage } from "./stages/stage.ts";
import { convertWhisper } from "./whisper/convert.ts";

export const log = (line: string) => process.stderr.write(`${line}\n`);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** Folder of everything that is made on the way. */
export const work = here("work");
const at = (...names: string[]) => join(work, ...names);
const MODEL = here("../../models/base");
const MODEL_SAP = here("../../models/base-sap");

/** A stage whose configuration, `configs/NAME.yaml`, is all that it depends on besides the files of `after`. */
function configured(name: string, after: string[], output: string, run: (file: string) => Promise<void>): Stage {
  const file = here(`configs/${name}.yaml`);
  return { name, revision: 1, inputs: readFileSync(file, "utf8"), after, outputs: [output], run: () => run(file) };
}

/** A training run, and the steps after which its checkpoint is taken. */
const training = (name: string, steps: number, after: string[]): Stage =>
  configured(name, after, at(name, `checkpoint-${steps}`, "training", "manifest.json"), async (file) => {
    const ended = new AbortController();
    process.once("SIGINT", () => ended.abort());
    const onProgress = (state: Parameters<typeof formatProgress>[0]) => log(`  ${formatProgress(state)}`);
    const { stopped } = await train(file, { out: at(name), resume: true, signal: ended.signal, onProgress });
    if (stopped) throw new RecipeError(`${name}: stopped; the same command goes on`);
  });

/** Scenes of a configuration. */
const synthesis = (name: string, out: string, after: string[]): Stage =>
  configured(name, after, join(out, "scenes.json"), async (file) => {
    await synthesize(await readSceneConfig(file), { out });
  });

/**
 * @param speech a folder of recordings with a metadata.tsv.
 * @throws RecipeError when there is none.
 */
export function pipeline(speech: string | undefined): Stage[] {
  const manifest = readManifest();
  const downloads = at("downloads");
  const unpacked = at("unpacked");
  const options = { manifest, downloads, unpacked, log };
  const hashes = allSources(manifest).map(({ sha256 }) => sha256);
  const whisper = ["config.json", "model.safetensors", "tokenizer.json"].map((name) => at("whisper", name));
  const kokoro = at("voices", "kokoro");
  const voices = [join(kokoro, "model.onnx"), at("voices", "piper", "en_US-joe-medium.onnx")];
  const sounds = ["events", "backgrounds", "music"];
  const tables = sounds.map((kind) => at("sounds", kind, "metadata.tsv"));
  const lists = ["speech", ...sounds].map((kind) => at("lists", `${kind}.tsv`));
  const copies = at("copies", "metadata.tsv");
  const scenes = at("scenes", "scenes.json");
  const readerScenes = at("reader-scenes", "scenes.json");
  const readerLists = ["speech", "copies", "sounds"].map((kind) => at("lists", `reader-${kind}.jsonl`));
  const packed = at("pack", "tokenizer", "model.safetensors");
  const shards = ["train", "held-out"].map((name) => at("audio", `${name}.json`));
  const texts = () => readingTexts(manifest, downloads, unpacked, speech);
  const readerStart = at("start-reader", "reader", "model.safetensors");
  const decoderStart = at("start-decoder", "decoder", "acoustic.pt");

  const runs = {
    heads: training("heads", 110, [at("start", "tokenizer", "model.safetensors"), scenes, ...lists]),
    tokenizer: training("tokenizer", 930, [at("heads", "checkpoint-110", "training", "manifest.json")]),
    robust: training("robust", 1000, [at("tokenizer", "checkpoint-930", "training", "manifest.json")]),
    pitch: training("pitch", 920, [at("robust", "checkpoint-1000", "training", "manifest.json"), copies]),
    steady: training("steady", 220, [at("pitch", "checkpoint-920", "training", "manifest.json"), copies]),
    acoustic: training("acoustic", 2500, [packed, decoderStart, copies, ...lists]),
    vocoder: training("vocoder", 900, [decoderStart, ...lists]),
    foretold: training("foretold", 700, [at("decoder", "decoder", "acoustic.pt")]),
    reader: training("reader", 2000, [readerStart, readerScenes, ...readerLists]),
  };
  /** A model of the packed tokeniser, the acoustic model and a vocoder. */
  const decoder = (name: string, out: string, vocoder: Stage): Stage => ({
    name,
    revision: 1,
    inputs: null,
    after: [packed, ...runs.acoustic.outputs, ...vocoder.outputs],
    outputs: ["tokenizer/model.safetensors", "decoder/acoustic.pt", "decoder/hift.pt"].map((file) => join(out, file)),
    run: () =>
      packDecoder({
        tokenizer: at("pack"),
        acoustic: at("acoustic", "checkpoint-2500"),
        vocoder: dirname(dirname(vocoder.outputs[0] as string)),
        out,
      }),
  });
  return [
    {
      name: "fetch",
      revision: 1,
      inputs: hashes,
      outputs: allSources(manifest).map(({ file }) => join(downloads, file)),
      run: () => fetchSources(manifest, downloads, log),
    },
    {
      name: "convert",
      revision: 1,
      inputs: manifest.weights.map(({ sha256 }) => sha256),
      outputs: whisper,
      run: () =>
        convertWhisper(
          manifest.weights.map(({ file }) => join(downloads, file)),
          at("whisper"),
        ),
    },
    {
      name: "voices",
      revision: 1,
      inputs: manifest.voices.map(({ sha256 }) => sha256),
      outputs: voices,
      run: () => prepareVoices({ ...options, out: at("voices") }),
    },
    {
      name: "metrics",
      revision: 1,
      inputs: manifest.metrics.map(({ sha256 }) => sha256),
      outputs: METRIC_FILES.map((path) => at("metrics", path)),
      run: () => prepareMetrics({ ...options, out: at("metrics") }),
    },
    {
      name: "speak",
      revision: 1,
      inputs: manifest.texts.map(({ sha256 }) => sha256),
      after: [voices[0]!],
      outputs: [at("speech", "metadata.tsv")],
      run: async () => {
        const list = await texts();
        await speak({ kokoro, texts: list, out: at("speech"), part: 0, parts: 1, log });
        const { clips, minutes } = writeMetadata(list, at("speech"));
        log(`  ${clips} clips, ${minutes.toFixed(1)} min`);
      },
    },
    {
      name: "person",
      revision: 1,
      inputs: readSpeechFolder(speech),
      outputs: [at("person", "metadata.tsv")],
      run: async () => copyRecordings(speech, at("person")),
    },
    {
      name: "recordings",
      revision: 1,
      inputs: manifest.audio,
      outputs: [at("recordings", "metadata.tsv")],
      run: () => collectRecordings({ ...options, out: at("recordings") }),
    },
    {
      name: "sounds",
      revision: 1,
      inputs: [manifest.audio, readFileSync(here("sounds/sound-labels.tsv"), "utf8")],
      outputs: tables,
      run: () => collectSounds({ ...options, out: at("sounds") }),
    },
    {
      name: "audio",
      revision: 1,
      inputs: [manifest.audio, readSpeechFolder(speech)],
      outputs: shards,
      run: () => buildDataset({ ...options, speech, train: at("audio", "train"), heldOut: at("audio", "held-out") }),
    },
    {
      name: "lists",
      revision: 1,
      inputs: null,
      after: [at("speech", "metadata.tsv"), at("person", "metadata.tsv"), ...tables],
      outputs: lists,
      run: async () => {
        const columns = ["language", "speaker", "text"];
        const clips = [await writeList(lists[0]!, ["../speech", "../person"], columns)];
        for (const [i, kind] of sounds.entries())
          clips.push(await writeList(lists[i + 1]!, [`../sounds/${kind}`], ["label"]));
        log(`  ${clips.join(", ")} clips`);
      },
    },
    {
      name: "genders",
      revision: 1,
      inputs: null,
      after: [at("speech", "metadata.tsv"), at("recordings", "metadata.tsv")],
      outputs: [at("evaluation", "genders.tsv")],
      run: async () => {
        log(`  ${await writeGenderList(at("evaluation", "genders.tsv"), ["../speech", "../recordings"], 12)} clips`);
      },
    },
    {
      name: "copies",
      revision: 1,
      inputs: null,
      after: [lists[0]!],
      outputs: [copies],
      run: async () => {
        log(`  ${await copyAtSpeeds(lists[0]!, at("copies"))} clips`);
      },
    },
    synthesis("scenes", at("scenes"), [at("speech", "metadata.tsv"), at("person", "metadata.tsv"), ...tables]),
    {
      name: "start",
      revision: 1,
      inputs: TOKENIZER_CONFIG,
      after: [...whisper, shards[0]!],
      outputs: [at("start", "tokenizer", "model.safetensors")],
      run: () =>
        startTokenizer({
          whisper: at("whisper"),
          shard: at("audio", "train"),
          out: at("start"),
          minutes: 45,
          iterations: 5,
          log,
        }),
    },
    runs.heads,
    runs.tokenizer,
    runs.robust,
    runs.pitch,
    runs.steady,
    {
      name: "pack",
      revision: 1,
      inputs: null,
      after: [...runs.steady.outputs, shards[0]!, ...lists],
      outputs: [packed],
      run: () =>
        packTokenizer({
          checkpoint: at("steady", "checkpoint-220"),
          kinds: [
            { share: 0.45, shards: {}, lists: { [lists[1]!]: 40, [lists[3]!]: 60 } },
            { share: 0.55, shards: { [at("audio", "train")]: 30 }, lists: { [lists[0]!]: 40 } },
          ],
          out: at("pack"),
          log,
        }),
    },
    {
      name: "start-decoder",
      revision: 1,
      inputs: DECODER_FIELDS,
      after: [packed],
      outputs: [decoderStart],
      run: () => startDecoder({ tokenizer: at("pack"), fields: DECODER_FIELDS, out: at("start-decoder") }),
    },
    runs.acoustic,
    runs.vocoder,
    decoder("decoder", at("decoder"), runs.vocoder),
    runs.foretold,
    decoder("model", MODEL, runs.foretold),
    synthesis("reader-scenes", at("reader-scenes"), [
      at("speech", "metadata.tsv"),
      at("person", "metadata.tsv"),
      ...tables,
    ]),
    {
      name: "reader-lists",
      revision: 1,
      inputs: null,
      after: [copies, ...lists],
      outputs: readerLists,
      run: async () => {
        const [spoken, ...others] = lists as [string, string, string, string];
        const clips = [writeReaderSpeech(spoken, readerLists[0]!), writeReaderSpeech(copies, readerLists[1]!)];
        const [events, backgrounds, music] = others;
        clips.push(writeReaderSounds({ events, backgrounds, music }, readerLists[2]!));
        log(`  ${clips.join(", ")} clips`);
      },
    },
    {
      name: "start-reader",
      revision: 1,
      inputs: null,
      after: runs.acoustic.outputs,
      outputs: [readerStart],
      run: () => startReader({ acoustic: at("acoustic", "checkpoint-2500"), out: at("start-reader") }),
    },
    runs.reader,
    {
      name: "model-sap",
      revision: 1,
      inputs: null,
      after: [packed, ...runs.reader.outputs],
      outputs: [join(MODEL_SAP, "model.safetensors")],
      run: async () =>
        packReader({
          tokenizer: at("pack"),
          checkpoint: at("reader", "checkpoint-2000"),
          words: await countWords(manifest, downloads, unpacked, await texts()),
          // of those tried, the one with the best mean of recall and precision on development scenes
          eventThreshold: -2,
          out: MODEL_SAP,
        }),
    },
    {
      name: "evaluation-speech",
      revision: 1,
      inputs: readFileSync(here("speech/evaluation-sentences.txt"), "utf8"),
      after: voices,
      outputs: ["evaluation", "development"].map((set) => at(set, "speech", "metadata.tsv")),
      run: () =>
        makeEvaluationSpeech({
          kokoro,
          piper: voices[1]!,
          speech,
          evaluation: at("evaluation", "speech"),
          development: at("development", "speech"),
          log,
        }),
    },
    synthesis("evaluation-scenes", at("evaluation", "scenes"), [at("evaluation", "speech", "metadata.tsv"), ...tables]),
    {
      name: "evaluation-sounds",
      revision: 1,
      inputs: [manifest.audio, readFileSync(here("sounds/sound-classes.tsv"), "utf8")],
      outputs: SOUND_SETS.map((set) => at(set, "sounds.json")),
      run: async () => {
        for (const set of SOUND_SETS) await collectClasses(set, { ...options, out: at(set, "sounds") });
      },
    },
  ];
}
