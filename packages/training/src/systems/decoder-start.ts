/** Where the training of a decoder's network starts: the decoder's configuration, and its weights if there are any. */
import { readFile } from "node:fs/promises";
import {
  type AnyDecoderConfig,
  type ModelFiles,
  openDecoderWeights,
  openModel,
  openVocoderWeights,
  readFloat32,
  type TensorStore,
} from "universal-audio-tokenizer/internal";
import { decoderGeometry } from "../config/decoder-geometry.ts";
import { isNamed } from "../config/model-config.ts";
import type { AcousticRun, FlowRun, VocoderRun } from "../config/read-run-config.ts";
import { TrainingError } from "../errors.ts";
import { type AskedParameter, type InitialParameter, startingWeights } from "./initial-weights.ts";

/** The networks of a decoder, by the names of their files: one that makes mels of tokens, and the vocoder. */
export type DecoderHalf = "flow" | "acoustic" | "hift";

interface Origin {
  readonly files: ModelFiles;
  /** Where config.yaml lies, with a slash behind unless it is the root. */
  readonly folder: string;
}

export class DecoderStart {
  readonly config: AnyDecoderConfig;
  readonly #model: (FlowRun | AcousticRun | VocoderRun)["model"];
  readonly #origin: Origin | undefined;

  private constructor(
    config: AnyDecoderConfig,
    model: (FlowRun | AcousticRun | VocoderRun)["model"],
    origin: Origin | undefined,
  ) {
    this.config = config;
    this.#model = model;
    this.#origin = origin;
  }

  /**
   * Reads what `model` of the configuration names.
   * @param file the run's configuration, for messages.
   * @throws TrainingError or CheckpointError when it is not there or unfit.
   */
  static async read(model: (FlowRun | AcousticRun | VocoderRun)["model"], file: string): Promise<DecoderStart> {
    const origin = model.init === null ? undefined : await decoderOrigin(model.init);
    const base = model.config_file
      ? await textOf(model.config_file)
      : await origin?.files.text(`${origin.folder}config.yaml`);
    return new DecoderStart(decoderGeometry(base, model.config, model.config_file ?? file), model, origin);
  }

  /** Values of all parameters, and which of them are fresh. @throws TrainingError for weights of another shape. */
  async weights(
    half: DecoderHalf,
    asked: readonly AskedParameter[],
    seed: number,
  ): Promise<{ parameters: InitialParameter[]; fresh: ReadonlySet<string> }> {
    const store = await this.#open(half);
    try {
      const isCold = (name: string) => isNamed(name, this.#model.cold_start);
      return await startingWeights(asked, { store, isCold, seed });
    } finally {
      await store?.close();
    }
  }

  /** All tensors of a half as they are, for checkpoints of the other half; undefined where there are none. */
  async tensors(half: DecoderHalf): Promise<InitialParameter[] | undefined> {
    const store = await this.#open(half);
    if (!store) return undefined;
    try {
      const tensors: InitialParameter[] = [];
      for (const name of store.names())
        tensors.push({ name, shape: store.info(name)!.shape, values: await readFloat32(store, name) });
      return tensors;
    } finally {
      await store.close();
    }
  }

  async #open(half: DecoderHalf): Promise<TensorStore | undefined> {
    if (!this.#origin) return undefined;
    const { files, folder } = this.#origin;
    const names = [".pt", ".safetensors", ".safetensors.index.json"].map((ending) => `${folder}${half}${ending}`);
    const found = await Promise.all(names.map((name) => files.exists(name)));
    if (!found.includes(true)) return undefined;
    const directory = folder.replace(/\/$/, "");
    return half === "hift" ? openVocoderWeights(files, directory) : openDecoderWeights(files, directory, half);
  }
}

async function decoderOrigin(id: string): Promise<Origin> {
  const files = await openModel(id, { part: "decoder" });
  for (const folder of ["decoder/", ""]) if (await files.exists(`${folder}config.yaml`)) return { files, folder };
  throw new TrainingError(
    `model.init ${id}: has no decoder/config.yaml; expected a decoder of a flow and a vocoder, in the official layout`,
  );
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new TrainingError(`${path}: cannot be read (${(cause as Error).message.split("\n")[0]})`, { cause });
  }
}
