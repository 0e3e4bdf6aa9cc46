/** What is wrong gets one clear line on stderr, exit code 2, and leaves no file. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { writeNpy } from "../../packages/codec/src/checkpoint/npy.ts";
import { fixtures, namesIn, type RunOptions, speech, uat, workFolder } from "./run-uat.ts";

const { folder, model, remove } = workFolder();
afterAll(remove);
const out = join(folder, "out");
const at = (name: string) => join(folder, name);

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(at(name), content);
  return at(name);
}

/** Runs a command that must be refused. @returns its one line. */
async function refused(args: readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await uat(args, { cwd: folder, ...options });
  expect(code, stderr).toBe(2);
  expect(stderr).toMatch(/^uat: [^\n]+\n$/);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(String(stdout)).toBe("");
  expect(namesIn(out)).toEqual([]);
  return stderr;
}

const tokenize = (file: string, ...more: string[]) =>
  refused(["tokenize", file, "--model", model, "--out", join(out, "codes.json"), ...more]);
const decode = (tokens: string, ...more: string[]) =>
  refused(["decode", tokens, "--model", model, "--out", join(out, "x.wav"), ...more]);
const decodeText = (input: string) =>
  refused(["decode", "-", "--model", model, "--out", join(out, "x.wav")], { input });

beforeEach(() => {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
});

describe("audio", () => {
  test("missing, a directory, empty, not audio", async () => {
    expect(await tokenize("missing.wav")).toMatch(/missing\.wav: no such file/);
    expect(await tokenize(folder)).toMatch(/is a directory/);
    expect(await tokenize(write("empty.wav", ""))).toMatch(/empty\.wav: .*empty/);
    expect(await tokenize(write("text.wav", "this is no audio at all, whatever its name says"))).toMatch(/text\.wav/);
    expect(await refused(["tokenize", "-", "--model", model], { input: "" })).toMatch(/standard input: .*empty/);
  });

  test("samples: none, NaN, infinite", async () => {
    const wav = (samples: Float32Array) => encodeWav([samples], 16000, "f32");
    expect(await tokenize(write("none.wav", wav(new Float32Array(0))))).toMatch(/none\.wav: has no samples/);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bytes = wav(new Float32Array(8000));
      new DataView(bytes.buffer).setFloat32(bytes.length - 400, bad, true);
      expect(await tokenize(write("bad.wav", bytes))).toMatch(/bad\.wav: sample 7900 .* is (NaN|Infinity)/);
    }
  });

  test("absurd rates and channel counts", async () => {
    const bytes = encodeWav([new Float32Array(800)], 16000);
    const changed = (offset: number, size: 2 | 4, value: number) => {
      const copy = bytes.slice();
      const view = new DataView(copy.buffer);
      if (size === 2) view.setUint16(offset, value, true);
      else view.setUint32(offset, value, true);
      return write("odd.wav", copy);
    };
    await tokenize(changed(24, 4, 0));
    await tokenize(changed(24, 4, 4_000_000_000));
    await tokenize(changed(22, 2, 0));
    await tokenize(changed(22, 2, 60_000));
  });

  const containers = [
    ...["speech.flac", "speech.mp3", "music.ogg", "speech16k.wav"].map((f) => join(fixtures, "audio", f)),
    ...readdirSync(join(fixtures, "containers"))
      .filter((f) => /\.(opus|webm|m4a)$/.test(f))
      .map((f) => join(fixtures, "containers", f)),
  ];
  test.each(containers)("cut short: %s", async (path) => {
    const bytes = readFileSync(path);
    const name = `cut-${path.split("/").at(-1)}`;
    expect(await tokenize(write(name, bytes.subarray(0, Math.floor(bytes.length * 0.4))))).toContain(name);
  });

  test("one bad file of several fails the run with its name, before the first is worked on", async () => {
    const files = [speech, "gone.wav"];
    const line = await refused(["tokenize", ...files, "--model", model, "--out", join(out, "c.jsonl")]);
    expect(line).toMatch(/gone\.wav: no such file/);
    write("cut.wav", readFileSync(speech).subarray(0, 20_000));
    const late = await uat(
      ["tokenize", speech, "cut.wav", "--model", model, "--quiet", "--out", join(out, "c.jsonl")],
      {
        cwd: folder,
      },
    );
    expect(late.code).toBe(2);
    expect(late.stderr).toMatch(/^uat: cut\.wav: [^\n]+\n$/);
    expect(namesIn(out)).toEqual([]);
  });

  test("channels, a name with escape codes, standard input twice", async () => {
    expect(await tokenize(speech, "--channel", "3")).toMatch(/channel 3/);
    expect(await tokenize("a\u001b[31m\nb.wav")).not.toContain("\u001b");
    expect(await refused(["tokenize", "-", "-", "--model", model])).toMatch(/only once/);
  });
});

describe("tokens", () => {
  test.each([
    ["[1, -3, 2]", /code 1 is -3; expected whole numbers from 0 to 511/],
    ["[1, 512]", /code 1 is 512/],
    ["[1.5]", /code 0 is 1\.5/],
    ['[1, "2"]', /code 1 is "2"/],
    ["[1, null]", /code 1 is null/],
    ["[1, 1e999]", /code 1 is Infinity/],
    ["[]", /empty/],
    ['{"codes": []}', /empty/],
    ['{"codes": 7}', /"codes" is 7/],
    ['{"other": [1]}', /expected a list of codes/],
    ["[1, 2", /not valid JSON/],
    ["", /empty/],
    ["   \n", /no codes/],
    ["1 2 x", /"x" is not a number/],
    ["-4", /code 0 is -4/],
    ['{"codes": [1], "frameRate": 12.5}', /12\.5 codes a second/],
    ['{"codes": [1]}\n{"codes": [1}', /line 2/],
  ])("%s", async (text, message) => {
    expect(await decodeText(text)).toMatch(message);
  });

  test("nested a hundred thousand times, a hundred thousand in one piece", async () => {
    const deep = (open: string, close: string) => `${open.repeat(1e5)}1${close.repeat(1e5)}`;
    expect(await decodeText(deep("[", "]"))).toMatch(/too deeply/);
    expect(await decodeText(deep('{"codes":', "}"))).toMatch(/"codes" is …; expected a list/);
    expect(await decodeText(JSON.stringify(Array(1e5).fill(3)))).toMatch(/too many to decode in one piece.*window/);
  });

  test("npy: floats that are no codes, wrong shapes, damaged, missing", async () => {
    expect(await decode(write("f.npy", writeNpy(Float32Array.of(1, 2.5))))).toMatch(/code 1 is 2\.5/);
    expect(await decode(write("nan.npy", writeNpy(Float32Array.of(Number.NaN))))).toMatch(/code 0 is NaN/);
    expect(await decode(write("s.npy", writeNpy(new Int32Array(4), [1, 2, 2])))).toMatch(/shape \[1,2,2\]/);
    expect(await decode(write("e.npy", writeNpy(new Int32Array(0))))).toMatch(/empty/);
    expect(await decode(write("d.npy", writeNpy(new Int32Array(9)).subarray(0, 140)))).toMatch(/d\.npy/);
    expect(await decode("gone.npy")).toMatch(/no such file/);
    expect(await decode(folder)).toMatch(/is a directory/);
    expect(await decode(write("bytes.bin", Uint8Array.of(0xff, 0xfe, 0xfd)))).toMatch(/neither text nor npy/);
  });

  test("embeddings and prompts that do not fit", async () => {
    const codes = write("ok.json", "[1, 2, 3]");
    const npy = (shape: number[]) => writeNpy(new Float32Array(shape.reduce((a, b) => a * b)), shape);
    expect(await decode(codes, "--embedding", write("short.npy", npy([3])))).toMatch(/embedding has 3 values/);
    expect(await decode(codes, "--embedding", write("inf.npy", writeNpy(Float32Array.of(Infinity))))).toMatch(/finite/);
    expect(await decode(codes, "--embedding", "gone.npy")).toMatch(/no such file/);
    expect(await decode(codes, "--prompt-tokens", codes)).toMatch(/belong together/);
    expect(await decode(codes, "--prompt-tokens", codes, "--prompt-mel", write("mel.npy", npy([40, 9])))).toMatch(
      /shape \[40,9\]/,
    );
    expect(await decode(codes, "--prompt", speech, "--stream")).toMatch(/--stream takes no prompt/);
    expect(await decode(codes, "--block-size", "9")).toMatch(/--block-size is for --stream/);
    expect(await decode(codes, "--stream", "--block-size", "2")).toMatch(/block size 2/);
  });
});

describe("models", () => {
  function broken(change: (folder: string) => void): string {
    const copy = at("broken");
    rmSync(copy, { recursive: true, force: true });
    cpSync(model, copy, { recursive: true, dereference: true });
    change(copy);
    return copy;
  }
  const withTokenizer = (bad: string) =>
    refused(["tokenize", speech, "--model", bad, "--out", join(out, "codes.json")]);
  const withDecoder = (bad: string) =>
    refused(["decode", "-", "--model", bad, "--out", join(out, "x.wav")], { input: "[1, 2, 3]" });
  const edit = (path: string, from: RegExp | string, to: string) => {
    const text = readFileSync(path, "utf8");
    expect(text).toMatch(from);
    writeFileSync(path, text.replace(from, to));
  };

  test("none there", async () => {
    expect(await withTokenizer("no-such-model")).toMatch(/no-such-model: no such directory/);
    expect(await withTokenizer(out)).toMatch(/config\.json/);
    expect(await withTokenizer(speech)).toMatch(/is a file/);
    expect(await withTokenizer(join(speech, "below"))).toMatch(/no such directory/);
    expect(await withTokenizer("x".repeat(300))).toMatch(/no such directory/);
    expect(await withTokenizer("some/hub-model")).toMatch(/HF_HUB_OFFLINE/);
    expect(await refused(["inspect", out])).toMatch(/holds no model/);
    expect(await refused(["inspect", "nowhere.wav"])).toMatch(/nowhere\.wav/);
    expect(await refused(["pull", "some/hub-model"])).toMatch(/HF_HUB_OFFLINE/);
    expect(await refused(["pull", "../x"])).toMatch(/not a model id/);
  });

  test("config values out of place", async () => {
    const config = "tokenizer/config.json";
    const set = (from: RegExp, to: string) => broken((dir) => edit(join(dir, config), from, to));
    expect(await withTokenizer(set(/"encoder_attention_heads": \d+/, '"encoder_attention_heads": 7'))).toMatch(
      /config\.json: encoder_attention_heads is 7/,
    );
    expect(await withTokenizer(set(/"quantize_vocab_size": \d+/, '"quantize_vocab_size": -1'))).toMatch(
      /vocab_size is -1/,
    );
    expect(await withTokenizer(set(/\{/, ""))).toMatch(/config\.json: is not valid JSON/);
    expect(await withTokenizer(set(/"quantize_vocab_size": \d+/, '"quantize_vocab_size": 500'))).toMatch(/codebook/);
  });

  test("safetensors: missing tensors, lying headers, cut short", async () => {
    const file = "tokenizer/model.safetensors";
    const change = (edit: (bytes: Buffer) => Uint8Array) =>
      broken((dir) => writeFileSync(join(dir, file), edit(readFileSync(join(dir, file)))));
    // same length, another name: the header stays valid
    const renamed = change((b) => Buffer.from(b.toString("latin1").replace("conv1.weight", "conv1.wei9ht"), "latin1"));
    expect(await withTokenizer(renamed)).toMatch(/conv1\.weight/);
    const long = change((b) => Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 16]), b.subarray(8)]));
    expect(await withTokenizer(long)).toMatch(/header/);
    const lying = change((b) => Buffer.from(b.toString("latin1").replace(/"shape":\[(\d)/, '"shape":[9'), "latin1"));
    expect(await withTokenizer(lying)).toMatch(/model\.safetensors/);
    expect(await withTokenizer(change((b) => b.subarray(0, b.length >> 1)))).toMatch(/model\.safetensors/);
    expect(await withTokenizer(change(() => Buffer.alloc(0)))).toMatch(/model\.safetensors/);
    expect(await withTokenizer(broken((dir) => rmSync(join(dir, file))))).toMatch(/model\.safetensors/);
  });

  test("a pickle that wants to run something, and damaged ones", async () => {
    const pickle = (body: string) => Buffer.from(`\x80\x02${body}.`, "latin1");
    const evil = broken((dir) =>
      writeFileSync(join(dir, "decoder/flow.pt"), pickle(`cposix\nsystem\n(S'touch ${at("pwned")}'\ntR`)),
    );
    const line = await withDecoder(evil);
    expect(line).toMatch(/flow\.pt/);
    expect(namesIn(folder)).not.toContain("pwned");
    const cut = broken((dir) => {
      const path = join(dir, "decoder/hift.pt");
      writeFileSync(path, readFileSync(path).subarray(0, 5000));
    });
    expect(await withDecoder(cut)).toMatch(/hift\.pt/);
    expect(await withDecoder(broken((dir) => rmSync(join(dir, "decoder/flow.pt"))))).toMatch(/flow/);
  });

  test("decoder values out of place", async () => {
    const set = (from: RegExp, to: string) => broken((dir) => edit(join(dir, "decoder/config.yaml"), from, to));
    expect(await withDecoder(set(/input_frame_rate: 25/, "input_frame_rate: 1e-9"))).toMatch(/frame_rate.*at least 1/);
    expect(await withDecoder(set(/source_resblock_kernel_sizes: \[7/, "source_resblock_kernel_sizes: [8"))).toMatch(
      /is 8; expected an odd/,
    );
    expect(await withDecoder(set(/solver: 'euler'/, "solver: 'midpoint'"))).toMatch(/solver is "midpoint"/);
  });

  test("YAML with Python tags or unknown classes", async () => {
    const config = "decoder/config.yaml";
    const add = (line: string) =>
      broken((dir) => writeFileSync(join(dir, config), `${readFileSync(join(dir, config))}\n${line}\n`));
    expect(await withDecoder(add(`evil: !!python/object/apply:os.system ["touch ${at("pwned")}"]`))).toMatch(/python/);
    const inFlow = broken((dir) =>
      edit(join(dir, config), /spk_embed_dim: !ref.*/, "spk_embed_dim: !apply:os.system [id]"),
    );
    expect(await withDecoder(inFlow)).toMatch(/config\.yaml.*os\.system/);
    expect(await withDecoder(broken((dir) => edit(join(dir, config), /HiFTGenerator/, "EvilGenerator")))).toMatch(
      /Evil/,
    );
    expect(namesIn(folder)).not.toContain("pwned");
  });
});

describe("options", () => {
  test.each([
    [["tokenise"], /unknown command|too many|tokenise/],
    [["tokenize"], /missing required argument/],
    [["tokenize", speech, "--frmt", "x"], /unknown option '--frmt'/],
    [["tokenize", speech, "--format", "xml"], /Allowed choices are json, jsonl, npy, txt/],
    [["tokenize", speech, "--threads", "0"], /whole number from 1/],
    [["tokenize", speech, "--channel", "left"], /mean or a number/],
    [["tokenize", speech, "--device", "tpu"], /Allowed choices/],
    [["decode", "x.json"], /--out/],
    [["decode", "x.json", "--out", "y.wav", "--seed", "1.5"], /whole number/],
    [["reconstruct"], /no files/],
    [["export", "base"], /--out/],
  ] as [string[], RegExp][])("%j", async (args, message) => {
    expect(await refused(args)).toMatch(message);
  });
});

test("an output that would replace an input", async () => {
  const tokens = write("own.json", "[1, 2, 3]");
  const audio = write("own.wav", encodeWav([new Float32Array(8000)], 16000, "s16"));
  const before = [readFileSync(tokens), readFileSync(audio)];
  for (const args of [
    ["decode", tokens, "--out", tokens, "--model", model],
    ["tokenize", audio, "--out", audio, "--model", model],
  ]) {
    const { code, stderr } = await uat(args, { cwd: folder });
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/^uat: .*is an input; give another --out\n$/);
  }
  expect([readFileSync(tokens), readFileSync(audio)]).toEqual(before);
});
