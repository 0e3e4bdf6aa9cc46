/** Facts about a model: what its configurations say, in words, and how large it is. */
import {
  type AcousticConfig,
  type FlowConfig,
  type ModelFiles,
  openDecoderWeights,
  openSafetensorsModel,
  parseAnyDecoderConfig,
  readWhisperVqConfig,
} from "universal-audio-tokenizer/internal";
import type { Facts } from "../actions/inspect.ts";
import { InputError } from "../errors.ts";
import { storeFacts } from "./tensors.ts";

const HOP_RATE = 100;

type TokenizerConfig = Awaited<ReturnType<typeof readWhisperVqConfig>>;

/** @throws InputError when the files are no model; CheckpointError for damaged ones. */
export async function inspectModel(files: ModelFiles): Promise<Facts> {
  const facts: Record<string, Facts | string> = { model: files.source };
  const tokenizer = await directoryOf(files, "tokenizer", "config.json");
  if (tokenizer !== undefined) {
    const at = (name: string) => tokenizer + name;
    const config = await readWhisperVqConfig(files, at("config.json"));
    const store = await openSafetensorsModel(files, at("model"));
    facts.tokenizer = { ...tokenizerFacts(config), ...storeFacts(store) };
    await store.close();
  }
  const decoder = await directoryOf(files, "decoder", "config.yaml");
  if (decoder !== undefined) facts.decoder = await decoderFacts(files, decoder);
  if (Object.keys(facts).length === 1)
    throw new InputError(`${files.source}: holds no model; expected tokenizer/, decoder/ or both`);
  return facts;
}

function tokenizerFacts(c: TokenizerConfig): Facts {
  const frameRate = HOP_RATE / 2 / (c.pooling_kernel_size ?? 1);
  const codes = c.quantize_vocab_size ?? 0;
  return {
    frameRate,
    codebookSize: codes,
    bitRate: Math.round(frameRate * Math.log2(codes)),
    features: `log-mel, ${c.num_mel_bins} bands, 16 kHz`,
    encoder: `${c.quantize_position} of ${c.encoder_layers} Whisper layers run, width ${c.d_model}, ${c.encoder_attention_heads} heads`,
    pooling:
      c.pooling_kernel_size === null
        ? "none"
        : `${c.pooling_type} of ${c.pooling_kernel_size} frames, ${c.pooling_position === 0 ? "before the layers" : `after layer ${c.pooling_position}`}`,
    quantizer: `nearest of ${codes} codes after layer ${c.quantize_position}${c.quantize_normalization === "zscore" ? ", z-normalised" : ""}`,
    equilibrium: equilibrium(c),
    attention: attention(c),
    convolution: c.encoder_causal_convolution ? "causal" : "sees both sides",
  };
}

function equilibrium(c: TokenizerConfig): string {
  const [source, target] = [c.encoder_residual_source_position, c.encoder_residual_target_position];
  if (source === null || target === null) return "none";
  const parts = [c.use_residual_adapter ? "adapter" : "identity", c.use_residual_gate ? "gate" : "no gate"];
  const unused = target > c.quantize_position ? ", past the quantiser: not needed for codes" : "";
  return `layer ${source} into layer ${target} (${parts.join(", ")})${unused}`;
}

function attention(c: TokenizerConfig): string {
  if (c.encoder_causal_attention) return "causal";
  if (c.quantize_causal_encoder) return "causal up to the quantiser";
  return c.quantize_causal_block_size === null ? "full" : `causal in blocks of ${c.quantize_causal_block_size} frames`;
}

async function decoderFacts(files: ModelFiles, directory: string): Promise<Facts> {
  const path = `${directory}config.yaml`;
  const config = parseAnyDecoderConfig(await files.text(path), path);
  const { hift } = config;
  const half = "acoustic" in config ? "acoustic" : "flow";
  const stores = await Promise.all(
    [half, "hift"].map((name) => openDecoderWeights(files, directory.replace(/\/$/, ""), name)),
  );
  const [melWeights, hiftWeights] = stores.map((s) => storeFacts(s));
  for (const store of stores) await store.close();
  return {
    sampleRate: config.sample_rate,
    ...("acoustic" in config ? acousticFacts(config.acoustic) : flowFacts(config.flow)),
    vocoder: `upsampling ${hift.upsample_rates.join(" × ")}, inverse STFT ${hift.istft_params.n_fft}/${hift.istft_params.hop_len}`,
    [half]: melWeights!,
    hift: hiftWeights!,
  };
}

const flowFacts = (c: FlowConfig): Facts => ({
  kind: "flow matching + HiFT",
  frameRate: c.input_frame_rate,
  codebookSize: c.vocab_size,
  encoder: `${c.encoder.class}, ${c.encoder.num_blocks} blocks, width ${c.encoder.output_size}`,
  blockSize: c.encoder.block_size ?? null,
  speaker: `x-vector of ${c.spk_embed_dim} values`,
});

const acousticFacts = (c: AcousticConfig): Facts => ({
  kind: "acoustic model + HiFT",
  frameRate: c.input_frame_rate,
  codebookSize: c.vocab_size,
  encoder: `${c.num_blocks} feed-forward transformer blocks, width ${c.hidden_size}`,
  blockSize: null,
  speaker: "from the codes",
});

/** `tokenizer/`, or the empty string when the files lie in the directory itself; undefined when there are none. */
async function directoryOf(files: ModelFiles, part: string, name: string): Promise<string | undefined> {
  for (const directory of [`${part}/`, ""]) if (await files.exists(directory + name)) return directory;
  return undefined;
}
