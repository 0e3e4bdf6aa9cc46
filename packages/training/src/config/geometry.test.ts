import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseDecoderConfig } from "universal-audio-tokenizer/internal";
import { describe, expect, test } from "vitest";
import { decoderConfigYaml } from "../systems/decoder-files.ts";
import { byteTokenizer } from "../tasks/byte-tokenizer.ts";
import { flowDecoderGeometry } from "./decoder-geometry.ts";
import { readRunConfig, type TokenizerRun } from "./read-run-config.ts";
import { tokenizerGeometry } from "./tokenizer-geometry.ts";

const fixture = (path: string) => readFileSync(new URL(`../../../../tests/fixtures/${path}`, import.meta.url), "utf8");

describe("tokenizer/config.json", () => {
  const text = byteTokenizer();
  const small = { d_model: 16, encoder_attention_heads: 2, quantize_vocab_size: 8, quantize_position: 1 };

  test("a run's fields go before those of the checkpoint it starts from; ids are the text's", () => {
    const base = {
      ...small,
      encoder_layers: 2,
      vocab_size: 5,
      eos_token_id: 3,
      dropout: 0.1,
      quantize_encoder_only: true,
    };
    const { json, config } = tokenizerGeometry(base, { encoder_layers: 3 }, text, "run.yaml");
    expect(json).toMatchObject({ encoder_layers: 3, dropout: 0.1, quantize_encoder_only: false });
    expect(json).toMatchObject({
      vocab_size: text.size,
      eos_token_id: text.end,
      decoder_start_token_id: text.start("asr"),
    });
    expect(config.encoder_layers).toBe(3);
    expect(tokenizerGeometry({ ...base, vocab_size: 9999 }, {}, text, "run.yaml").json.vocab_size).toBe(9999);
  });

  test("what cannot be is refused by the run's file", () => {
    expect(() => tokenizerGeometry({}, { ...small, d_model: 17 }, text, "run.yaml")).toThrow(
      "run.yaml: model.config: encoder_attention_heads is 2; expected a divisor of d_model, which is 17",
    );
  });
});

describe("decoder/config.yaml", () => {
  test.each(["uniaudio", "uniaudio-block", "glm4voice"])("%s, written again, says the same", (name) => {
    const original = fixture(`decoders/${name}/checkpoint/decoder/config.yaml`);
    const { flow, hift, sample_rate } = parseDecoderConfig(original);
    const config = flowDecoderGeometry(original, {}, "run.yaml");
    expect(config).toMatchObject({ flow, hift, sample_rate });
    // the classes that published files name
    const classes = (yaml: string) => [...yaml.matchAll(/!new:\S+/g)].map(String).sort();
    expect(classes(decoderConfigYaml(config))).toEqual(classes(original));
  });

  test("only sizes need be said", () => {
    const config = flowDecoderGeometry(
      undefined,
      {
        flow: {
          vocab_size: 64,
          input_size: 32,
          encoder: { output_size: 48, attention_heads: 2, linear_units: 64, num_blocks: 1, block_size: 5 },
          decoder: { cfm_params: { reg_loss_type: "l2" }, estimator: { channels: [16, 16], n_blocks: 1 } },
        },
      },
      "run.yaml",
    );
    expect(config.flow.encoder).toMatchObject({ class: "BlockConformerEncoder", input_size: 32, output_size: 48 });
    expect(config.flow.decoder.cfm_params).toMatchObject({ reg_loss_type: "l2", training_cfg_rate: 0.2 });
    expect(config.flow.decoder.estimator).toMatchObject({ channels: [16, 16], n_blocks: 1, num_mid_blocks: 12 });
    expect(config.hift.base_channels).toBe(512);
  });

  test("a run's fields go before those of the file it starts from", () => {
    const original = fixture("decoders/uniaudio/checkpoint/decoder/config.yaml");
    const config = flowDecoderGeometry(original, { hift: { lrelu_slope: 0.2 }, flow: { vocab_size: 99 } }, "run.yaml");
    expect(config.hift).toMatchObject({ lrelu_slope: 0.2, base_channels: 64 });
    expect(config.flow.vocab_size).toBe(99);
  });

  test("what cannot be is refused by the run's file", () => {
    expect(() => flowDecoderGeometry(undefined, { hift: { upsample_rates: [4, 8] } }, "run.yaml")).toThrow(
      "run.yaml: model.config: hift.upsample_rates",
    );
  });
});

describe("recipes/tiny", () => {
  const recipe = (name: string) =>
    readRunConfig(fileURLToPath(new URL(`../../../../recipes/tiny/${name}.yaml`, import.meta.url)));

  test("the tokeniser has a quantiser inside its four layers", async () => {
    const run = (await recipe("tokenizer")) as TokenizerRun;
    const { config } = tokenizerGeometry({}, run.model.config, byteTokenizer(), "tokenizer.yaml");
    expect(config).toMatchObject({ d_model: 64, encoder_layers: 4, quantize_position: 2, pooling_kernel_size: 2 });
  });

  test("flow and vocoder make one decoder", async () => {
    const flow = flowDecoderGeometry(undefined, (await recipe("flow")).model.config, "flow.yaml");
    const vocoder = flowDecoderGeometry(undefined, (await recipe("vocoder")).model.config, "vocoder.yaml");
    expect(flow.hift).toEqual(vocoder.hift);
    expect(flow.flow.vocab_size).toBe(8192);
  });
});
