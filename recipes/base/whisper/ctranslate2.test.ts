import { describe, expect, it } from "vitest";
import { readCTranslate2, type Variable } from "./ctranslate2.ts";
import { whisperNames } from "./whisper-names.ts";

const u16 = (n: number) => [n & 255, n >> 8];
const u32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255];
const text = (s: string) => [...u16(s.length + 1), ...new TextEncoder().encode(s), 0];
const variable = (name: string, shape: number[], type: number, data: number[]) => [
  ...text(name),
  shape.length,
  ...shape.flatMap(u32),
  type,
  ...u32(data.length),
  ...data,
];

describe("readCTranslate2", () => {
  const file = Uint8Array.from([
    ...u32(6),
    ...text("WhisperSpec"),
    ...u32(3),
    ...u32(2),
    ...variable("a/gamma", [2], 4, [0, 0x3c, 0, 0x40]),
    ...variable("b", [1, 1], 0, [0, 0, 0x80, 0x3f]),
    ...u32(1),
    ...text("alias"),
    ...text("b"),
  ]);

  it("reads names, shapes, types, data and aliases", () => {
    const model = readCTranslate2(file);
    expect(model.spec).toBe("WhisperSpec");
    expect(model.variables.get("a/gamma")).toEqual({ dtype: "F16", shape: [2], data: Uint8Array.of(0, 0x3c, 0, 0x40) });
    expect(model.variables.get("b")).toMatchObject({ dtype: "F32", shape: [1, 1] });
    expect([...model.aliases]).toEqual([["alias", "b"]]);
  });

  it("says where a truncated file ends", () => {
    expect(() => readCTranslate2(file.subarray(0, 50))).toThrow("ends early");
    expect(() => readCTranslate2(Uint8Array.of(5, 0, 0, 0))).toThrow("version 5, expected 6");
  });
});

describe("whisperNames", () => {
  /** Float16 values 0, 1, 2 … stand for data: what matters is which rows go where. */
  const make = (shape: number[]): Variable => {
    const data = new Uint8Array(2 * shape.reduce((a, b) => a * b, 1)).map((_, i) => i);
    return { dtype: "F16", shape, data };
  };

  it("splits fused projections by rows and drops the key bias", () => {
    const tensors = whisperNames(
      new Map([
        ["encoder/layer_0/self_attention/linear_0/weight", make([6, 2])],
        ["encoder/layer_0/self_attention/linear_0/bias", make([6])],
        ["decoder/layer_1/attention/linear_1/weight", make([4, 2])],
        ["decoder/layer_1/ffn/layer_norm/gamma", make([2])],
        ["decoder/position_encodings/encodings", make([3, 2])],
        ["encoder/conv1/bias", make([2])],
      ]),
    );
    expect([...tensors.keys()].sort()).toEqual(
      [
        "model.decoder.embed_positions.weight",
        "model.decoder.layers.1.encoder_attn.k_proj.weight",
        "model.decoder.layers.1.encoder_attn.v_proj.weight",
        "model.decoder.layers.1.final_layer_norm.weight",
        "model.encoder.conv1.bias",
        "model.encoder.layers.0.self_attn.k_proj.weight",
        "model.encoder.layers.0.self_attn.q_proj.bias",
        "model.encoder.layers.0.self_attn.q_proj.weight",
        "model.encoder.layers.0.self_attn.v_proj.bias",
        "model.encoder.layers.0.self_attn.v_proj.weight",
      ].sort(),
    );
    const value = tensors.get("model.encoder.layers.0.self_attn.v_proj.weight")!;
    expect(value.shape).toEqual([2, 2]);
    expect([...value.data]).toEqual([16, 17, 18, 19, 20, 21, 22, 23]);
  });

  it("names a variable it does not know", () => {
    expect(() => whisperNames(new Map([["encoder/surprise", make([1])]]))).toThrow("encoder/surprise");
  });
});
