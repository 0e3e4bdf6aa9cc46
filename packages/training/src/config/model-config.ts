/** What is trained: `model` of a run's configuration. */
import { z } from "zod";
import { block, count, filled, text, texts } from "./fields.ts";

const fields = z.record(z.string(), z.unknown(), "expected a mapping").default({});

const start = {
  init: text
    .nullable()
    .default(null)
    .describe("checkpoint to start from: a directory, a hub id or `base`; null: random weights"),
  freeze: texts
    .default([])
    .describe("parts that stay as they are: beginnings of names, such as `encoder` or `encoder.layers.0`"),
  cold_start: texts.default([]).describe("parts that start from random weights all the same: beginnings of names"),
};

const common = {
  ...start,
  config_file: text
    .nullable()
    .default(null)
    .describe("a configuration in the checkpoint's format, in place of that of `init`"),
};

export const tokenizerModel = filled({
  ...common,
  config: fields.describe("fields of tokenizer/config.json; they go before those of `init` and `config_file`"),
  tokenizer: text
    .nullable()
    .default(null)
    .describe("a tokenizer.json, or `bytes`: the built-in small one; null: that of `init`, else `bytes`"),
  cache_prefix: count
    .nullable()
    .default(null)
    .describe("frozen encoder layers that are run once, their outputs kept on disk (0: the convolutions); null: none"),
});

export const decoderModel = filled({
  ...common,
  config: block({
    flow: fields.describe("arguments of the flow, nested as in decoder/config.yaml, without classes"),
    acoustic: fields.describe("arguments of the acoustic model, in place of a flow"),
    hift: fields.describe("arguments of the vocoder, likewise"),
  })
    .prefault({})
    .describe("what decoder/config.yaml says; it goes before that of `init` and `config_file`"),
});

export const readerModel = filled({
  ...start,
  config: fields.describe("fields of reader/config.json; they go before those of `init`"),
});

/**
 * Whether a parameter is meant by one of the beginnings of names that `freeze` and `cold_start` list. A beginning ends at
 * a dot; the `model.` of whole checkpoints may be left out; the tied output layer goes with the decoder.
 */
export function isNamed(parameter: string, beginnings: readonly string[]): boolean {
  const names = [parameter, parameter.replace(/^model\./, "")];
  if (/^proj_out\b/.test(parameter)) names.push(`decoder.${parameter}`);
  return beginnings.some((start) => names.some((name) => name === start || name.startsWith(`${start}.`)));
}
