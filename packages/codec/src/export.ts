/**
 * A model as `.onnx` files for other runtimes: the very graphs that run here, under the names transformers.js uses
 * (`onnx/encoder_model.onnx`, `onnx/decoder_model.onnx`), with the configurations beside them.
 */
import { emitModel, type Graph, type Initializer, type OnnxModel, type Place, serializeModel } from "@uat/graph";
import type { ModelFiles } from "./checkpoint/model-files.ts";
import type { TensorStore } from "./checkpoint/tensor-store.ts";
import { TokenizerError } from "./errors.ts";
import { int8Weights, type TokenizerDtype, tokenizerGraph } from "./tokenizers/whisper-vq-tokenizer.ts";

/** Weights of more bytes than this go into a file of their own: protocol buffers end at 2 GB. */
const INLINE_LIMIT = 512 << 20;
const ALIGNMENT = 64;

export interface ExportOptions {
  /** fp32 (as stored), or q8: the tokenizer's linear layers in int8. */
  readonly dtype?: TokenizerDtype | undefined;
  /** Weights of more bytes than this are put beside the file; 512 MiB by default. */
  readonly inlineLimit?: number | undefined;
  /** Told each file when it is done. */
  readonly onFile?: ((file: ExportedFile) => void) | undefined;
}

export interface ExportedFile {
  /** Relative to the export's directory. */
  readonly path: string;
  readonly bytes: number;
}

/** Where an export goes: opens a file by its relative path and takes its bytes in order. */
export type OpenExportFile = (path: string) => Promise<{ write(bytes: Uint8Array): Promise<void> }>;

/**
 * Writes all graphs of a model.
 * @returns the files written.
 * @throws TokenizerError when the directory holds no model; CheckpointError and GraphError for a damaged one.
 */
export async function exportModel(
  files: ModelFiles,
  open: OpenExportFile,
  options: ExportOptions = {},
): Promise<ExportedFile[]> {
  const written: ExportedFile[] = [];
  const copy = async (from: string, to: string) => {
    if (!(await files.exists(from))) return;
    const bytes = new TextEncoder().encode(await files.text(from));
    await (await open(to)).write(bytes);
    written.push({ path: to, bytes: bytes.length });
  };
  const tokenizer = await partOf(files, "tokenizer", ["config.json"]);
  if (tokenizer !== undefined) {
    const { graph, config, store } = await tokenizerGraph(files, tokenizer);
    const quantized = options.dtype === "q8";
    const model = emitModel(graph, quantized ? { quantize: int8Weights(config), weightBits: 7 } : {});
    const name = quantized ? "encoder_model_quantized" : "encoder_model";
    written.push(...(await writeModel(model, name, open, options).finally(() => store.close())));
    await copy(join(tokenizer, "config.json"), "config.json");
    await copy(join(tokenizer, "preprocessor_config.json"), "preprocessor_config.json");
  }
  const decoder = await partOf(files, "decoder", ["config.yaml"]);
  if (decoder !== undefined) {
    const { graphs, stores } = await decoderGraphs(files, decoder);
    try {
      for (const [name, graph] of Object.entries(graphs))
        written.push(...(await writeModel(emitModel(graph), name, open, options)));
    } finally {
      for (const store of stores) await store.close();
    }
    await copy(join(decoder, "config.yaml"), "decoder_config.yaml");
  }
  if (written.length === 0)
    throw new TokenizerError(`${files.source}: holds no model; expected tokenizer/, decoder/ or both`);
  return written;
}

/**
 * The graphs of a decoder, by file name: token encoder and Euler step of the flow, or the acoustic model; pitch and
 * waveform of the vocoder.
 */
async function decoderGraphs(
  files: ModelFiles,
  directory: string,
): Promise<{ graphs: Record<string, Graph>; stores: TensorStore[] }> {
  const { vocoderGraphs } = await import("./decoders/vocoder.ts");
  const { isAcoustic, openAcousticDecoder } = await import("./decoders/acoustic-decoder.ts");
  if (await isAcoustic(files, directory)) {
    const { acousticModelGraph } = await import("./decoders/acoustic.ts");
    const { config, acoustic, hift } = await openAcousticDecoder(files, directory);
    const { f0, generator } = vocoderGraphs(config.hift, hift);
    return {
      graphs: {
        decoder_model: acousticModelGraph(config.acoustic, acoustic),
        vocoder_f0_model: f0,
        vocoder_model: generator,
      },
      stores: [acoustic, hift],
    };
  }
  const [{ openFlowDecoder }, { flowGraphs }] = await Promise.all([
    import("./decoders/flow-decoder.ts"),
    import("./decoders/flow.ts"),
  ]);
  const { config, flow, hift } = await openFlowDecoder(files, directory);
  const { encoder, step } = flowGraphs(config.flow, flow);
  const { f0, generator } = vocoderGraphs(config.hift, hift);
  return {
    graphs: {
      decoder_model: encoder,
      ...(step && { decoder_step_model: step }),
      vocoder_f0_model: f0,
      vocoder_model: generator,
    },
    stores: [flow, hift],
  };
}

async function writeModel(
  model: OnnxModel,
  name: string,
  open: OpenExportFile,
  { inlineLimit = INLINE_LIMIT, onFile }: ExportOptions,
): Promise<ExportedFile[]> {
  const written: ExportedFile[] = [];
  const finished = (file: ExportedFile) => {
    written.push(file);
    onFile?.(file);
  };
  const places = new Map<Initializer, Place>();
  const total = model.initializers.reduce((n, i) => n + i.byteLength, 0);
  if (total <= inlineLimit) for (const i of model.initializers) places.set(i, await i.read());
  else {
    const path = `onnx/${name}.onnx_data`;
    const file = await open(path);
    let offset = 0;
    for (const i of model.initializers) {
      const data = await i.read();
      const padding = (ALIGNMENT - (data.length % ALIGNMENT)) % ALIGNMENT;
      await file.write(data);
      if (padding > 0) await file.write(new Uint8Array(padding));
      places.set(i, { location: `${name}.onnx_data`, offset, length: data.length });
      offset += data.length + padding;
    }
    finished({ path, bytes: offset });
  }
  const path = `onnx/${name}.onnx`;
  const bytes = serializeModel(model, (i) => places.get(i) as Place);
  await (await open(path)).write(bytes);
  finished({ path, bytes: bytes.length });
  return written;
}

const join = (directory: string, name: string): string => (directory ? `${directory}/${name}` : name);

/** The directory of a part: below the model's, or the model's itself; undefined when it has none. */
async function partOf(files: ModelFiles, part: string, marks: readonly string[]): Promise<string | undefined> {
  for (const directory of [part, ""])
    for (const mark of marks) if (await files.exists(join(directory, mark))) return directory;
  return undefined;
}
