import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { HyperObject, parseHyperPyYaml } from "../hyperpyyaml.ts";
import { directoryFiles } from "../node/file-source.ts";
import { parseDecoderConfig, readDecoderConfig } from "./decoder.ts";
import { parsePreprocessorConfig, readPreprocessorConfig } from "./preprocessor.ts";
import { parseWhisperVqConfig, readWhisperVqConfig } from "./whisper-vq.ts";

const fixtures = fileURLToPath(new URL("../../../../../tests/fixtures/", import.meta.url));

describe("tokenizer/config.json", () => {
  test.each(readdirSync(`${fixtures}tokenizers`).filter((name) => !/common|README/.test(name)))("%s", async (name) => {
    const files = directoryFiles(`${fixtures}tokenizers/${name}/checkpoint`);
    const config = await readWhisperVqConfig(files);
    expect(config).toMatchObject({
      d_model: 64,
      encoder_layers: 6,
      quantize_vocab_size: 512,
      quantize_normalization: null,
    });
    expect((await readPreprocessorConfig(files)).feature_size).toBe(config.num_mel_bins);
  });

  const good = { quantize_vocab_size: 512, encoder_layers: 32, d_model: 1280, encoder_attention_heads: 20 };
  test("defaults", () => {
    expect(parseWhisperVqConfig(good)).toMatchObject({
      pooling_kernel_size: null,
      pooling_type: "max",
      pooling_position: 0,
      quantize_position: 16,
      quantize_commit_coefficient: 0.25,
      use_commit_loss: true,
      use_residual_gate: false,
    });
  });
  test.each([
    [{ pooling_type: "median" }, 'pooling_type is "median"; expected "max" or "avg"'],
    [{ d_model: "wide" }, 'd_model is "wide"; expected a whole number above 0'],
    [{ d_model: 0 }, "d_model is 0; expected a whole number above 0"],
    [{ encoder_attention_heads: 7 }, "encoder_attention_heads is 7; expected a divisor of d_model, which is 1280"],
    [{ quantize_vocab_size: null }, "quantize_vocab_size is null; expected the number of codes"],
    [{ quantize_vocab_size: 1 }, "quantize_vocab_size is 1; expected a whole number above 1, or null"],
    [{ quantize_position: 33 }, "quantize_position is 33; expected a layer from 1 to encoder_layers"],
    [{ pooling_kernel_size: 7 }, "pooling_kernel_size is 7; expected one with which 30 s"],
    [{ pooling_kernel_size: 2, pooling_position: 17 }, "pooling_position is 17; expected at most quantize_position"],
    [{ encoder_residual_target_position: 3 }, "encoder_residual_source_position is null; expected a layer"],
    [
      { encoder_residual_source_position: 5, encoder_residual_target_position: 3 },
      "expected at most encoder_residual_target_position",
    ],
    [{ max_source_positions: 750 }, "max_source_positions is 750; expected at least 1500"],
    [{ quantize_causal_block_size: 1, pooling_kernel_size: 2 }, "quantize_causal_block_size is 1; expected at least"],
    [{ num_mel_bins: 64 }, "num_mel_bins is 64; expected 80 or 128"],
    [{ activation_function: "relu" }, 'activation_function is "relu"; expected "gelu"'],
    [{ quantize_normalization: "l2" }, 'quantize_normalization is "l2"; expected "zscore" or null'],
  ])("refuses %j", (change, message) => {
    expect(() => parseWhisperVqConfig({ ...good, ...change }, "config.json")).toThrow(`config.json: `);
    expect(() => parseWhisperVqConfig({ ...good, ...change })).toThrow(message);
  });
  test.each([
    ["a pooling position without pooling", { pooling_position: 40 }],
    [
      "a residual that is pooled on its way",
      {
        encoder_residual_source_position: 1,
        encoder_residual_target_position: 3,
        pooling_kernel_size: 2,
        pooling_position: 2,
      },
    ],
    ["a position of pooling by 1", { pooling_kernel_size: 1, pooling_position: 40 }],
    [
      "a short block where attention is strictly causal",
      { quantize_causal_block_size: 1, pooling_kernel_size: 2, encoder_causal_attention: true },
    ],
    [
      "a short block up to the quantiser",
      { quantize_causal_block_size: 1, pooling_kernel_size: 2, pooling_position: 16, quantize_encoder_only: true },
    ],
    [
      "a target that an extracted encoder does not reach",
      {
        encoder_residual_source_position: 3,
        encoder_residual_target_position: 32,
        pooling_kernel_size: 2,
        pooling_position: 5,
        quantize_encoder_only: true,
      },
    ],
  ])("accepts %s", (_, change) => {
    expect(parseWhisperVqConfig({ ...good, ...change })).toMatchObject(change);
  });
  test("refuses what is not an object", () =>
    expect(() => parseWhisperVqConfig([1])).toThrow(/the file is \[1\]; expected object/));
  test("refuses other front ends", () => {
    expect(() => parsePreprocessorConfig({ hop_length: 128 })).toThrow("hop_length is 128; expected 160");
    expect(() => parsePreprocessorConfig({ feature_size: 40 })).toThrow("feature_size is 40; expected 80 or 128");
  });
});

describe("decoder/config.yaml", () => {
  const read = (name: string) => readFileSync(`${fixtures}decoders/${name}/checkpoint/decoder/config.yaml`, "utf8");
  test("plain", async () => {
    const { flow, hift, others } = await readDecoderConfig(directoryFiles(`${fixtures}decoders/uniaudio/checkpoint`));
    expect(flow).toMatchObject({
      class: "MaskedDiffWithXvec",
      input_frame_rate: 25,
      spk_embed_dim: 192,
      encoder: { class: "ConformerEncoder", num_blocks: 2 },
    });
    expect(flow.decoder.cfm_params).toMatchObject({ sigma_min: 1e-6, inference_cfg_rate: 0.7, t_scheduler: "cosine" });
    expect(flow.decoder.estimator).toMatchObject({ channels: [64, 64], attention_head_dim: 16, n_blocks: 2 });
    expect(hift).toMatchObject({
      sampling_rate: 22050,
      base_channels: 64,
      istft_params: { n_fft: 16, hop_len: 4 },
      f0_predictor: { cond_channels: 64 },
    });
    expect(others.__set_seed1).toEqual(new HyperObject("apply", "random.seed", [1986], {}));
  });
  test("block, with an entry for training", () => {
    const { flow, others } = parseDecoderConfig(read("glm4voice"));
    expect(flow).toMatchObject({
      input_frame_rate: 12.5,
      encoder: { class: "BlockConformerEncoder", block_size: 10, dropout_rate: 0.1 },
    });
    expect(others.mel_spec_transform1).toMatchObject({
      kind: "name",
      className: "mel_spectrogram",
      kwargs: { sampling_rate: 22050, fmax: null },
    });
    expect(parseDecoderConfig(read("uniaudio-block")).flow.encoder.block_size).toBe(25);
  });
  test.each([
    [
      /cosyvoice\.flow\.flow\.MaskedDiff/,
      "os.system.Masked",
      "flow is !new:os.system.MaskedWithXvec; expected MaskedDiffWithXvec",
    ],
    [/!new:cosyvoice.flow.decoder/, "!apply:x", "asks to call x.ConditionalDecoder, which is refused"],
    [/input_layer: 'linear'/, "input_layer: conv2d", 'flow.encoder.input_layer is "conv2d"; expected "linear"'],
    [/macaron_style: False/, "macaron_style: True", "flow.encoder.macaron_style is true; expected false"],
    [/ {8}use_cnn_module: False\n/, "", "flow.encoder.use_cnn_module is missing"],
    [/'rel_pos_espnet'/, "rel_pos", 'pos_enc_layer_type is "rel_pos"'],
    [/'rel_selfattn'/, "block_rel_selfattn", 'is "block_rel_selfattn"; expected "rel_selfattn" for ConformerEncoder'],
    [
      /input_frame_rate: 25/,
      "input_frame_rate: fast",
      'flow.input_frame_rate is "fast"; expected a number of at least 1',
    ],
    [/sample_rate: 22050/, "sample_rate: 24000", "24000; expected 22050"],
    [/upsample_rates: \[8, 8\]/, "upsample_rates: [8, 6]", "expected rates whose product"],
    [
      /vocab_size: 512/,
      "vocab_size: !!python/object/apply:os.system ['ls']",
      'tag "!!python/object/apply:os.system", which is refused',
    ],
    [/^flow: /m, "flow2: ", "flow is missing"],
    [/^flow: /m, "more: !apply:os.system [ls]\nflow: ", "asks to call os.system, which is refused"],
  ])("refuses %s as %s", (from, to, message) => {
    const text = read("uniaudio").replace(from, to);
    expect(text).not.toBe(read("uniaudio"));
    expect(() => parseDecoderConfig(text)).toThrow(message);
  });
});

describe("HyperPyYAML", () => {
  const parse = (text: string) => parseHyperPyYaml(text, "x.yaml");
  test("references, arithmetic, text", () => {
    expect(
      parse(
        "a: 4\nb: {c: [5, 6]}\nd: !ref <b[c][1]>\ne: !ref <a> * (<d> - 1) // 3\nf: !ref x/<a>.pt\ng: !ref <later>\nlater: [!ref <a>]\nh: !ref <a> ** 2 / 3\n",
      ),
    ).toMatchObject({ d: 6, e: 6, f: "x/4.pt", g: [4], h: 16 / 3 });
  });
  test.each([
    ["a: !ref <a>", "refers to itself"],
    ["a: !ref <b>", "<b> refers to an entry that is not there"],
    ["a: {b: 1}\nc: !ref <a[x]>", 'refers to "x", which is not there'],
    ["a: !!python/object/apply:os.system [ls]", "which is refused"],
    ["a: !include:x.yaml", "which is refused"],
    ["a: 1\na: 2", "twice"],
    ["a: {b: 1, b: 2}", "twice"],
    ["a: &x [*x]", "contains itself"],
    ["a: *x", "no anchor"],
    ["- 1", "not a YAML mapping"],
    ["a: [", "line 1 is not valid YAML"],
    [`a: ${"[".repeat(50_000)}`, "x.yaml: "],
    [`a: ${"[".repeat(200)}${"]".repeat(200)}`, "nested more than"],
  ])("refuses %j", (text, message) => expect(() => parse(text)).toThrow(message));
  test("aliases of aliases do not grow", () => {
    const lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"];
    for (let i = 1; i < 50; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}*a${i - 1}]`);
    expect(Object.keys(parse(lines.join("\n")))).toHaveLength(50);
    const refs = ["a0: xxxxxxxxxxxxxxxx"];
    for (let i = 1; i < 50; i++) refs.push(`a${i}: !ref <a${i - 1}><a${i - 1}>`);
    expect(() => parse(refs.join("\n"))).toThrow("too long a text");
  });
  test("keys named like Object's own are plain data", () => {
    const data = parse("__proto__: {x: 1}\nb: {__proto__: 2, constructor: 3}");
    expect(Object.hasOwn(data, "__proto__")).toBe(true);
    expect((data.b as Record<string, unknown>).constructor).toBe(3);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});
