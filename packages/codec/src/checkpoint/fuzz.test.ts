/** Readers of strangers' files: whatever the bytes, the answer is a value or a CheckpointError, soon and in little memory. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { memorySource } from "./byte-source.ts";
import { parseDecoderConfig } from "./config/decoder.ts";
import { CheckpointError, printable } from "./errors.ts";
import { parseHyperPyYaml } from "./hyperpyyaml.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { openSafetensors } from "./safetensors.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import { float32Tensor, type TensorStore } from "./tensor-store.ts";
import { openTorchFile } from "./torch-file.ts";

const fixture = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../../tests/fixtures/${path}`, import.meta.url)));

/** A valid file with some bytes changed, some cut out and some put in; or any bytes. */
function mutated(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat({ max: Math.max(0, valid.length - 1) }),
    remove: fc.nat({ max: 8 }),
    insert: fc.uint8Array({ maxLength: 8 }),
  });
  const edits = fc.array(edit, { minLength: 1, maxLength: 4 }).map((list) => {
    let bytes = [...valid];
    for (const { at, remove, insert } of list) bytes = [...bytes.slice(0, at), ...insert, ...bytes.slice(at + remove)];
    return Uint8Array.from(bytes);
  });
  return fc.oneof({ weight: 6, arbitrary: edits }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) });
}

async function only(run: () => unknown): Promise<void> {
  const started = performance.now();
  const memory = process.memoryUsage().arrayBuffers;
  try {
    await run();
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    expect(error.message).toBe(printable(error.message));
  }
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(512 * 2 ** 20);
}

async function readAll(open: Promise<TensorStore>): Promise<void> {
  const store = await open;
  for (const name of store.names()) await store.read(name);
}

const runs = { numRuns: 800 };

test("safetensors", { timeout: 60_000 }, async () => {
  const valid = writeSafetensors(
    new Map([
      ["a", float32Tensor([2, 2], Float32Array.of(1, 2, 3, 4))],
      ["b", float32Tensor([1], Float32Array.of(1))],
    ]),
    { format: "pt" },
  );
  await fc.assert(
    fc.asyncProperty(mutated(valid), (bytes) => only(() => readAll(openSafetensors(memorySource(bytes))))),
    runs,
  );
});

test.each(["legacy.pt", "nested.pt", "weight-norm-new.pt"])("torch files: %s", { timeout: 60_000 }, async (name) => {
  await fc.assert(
    fc.asyncProperty(mutated(fixture(`checkpoints/${name}`)), (bytes) =>
      only(() => readAll(openTorchFile(memorySource(bytes)))),
    ),
    { numRuns: 300 },
  );
});

test("pickles inside a sound archive", { timeout: 60_000 }, async () => {
  // The pickle of a legacy file's state dict, without the archive's checksum in the way.
  const legacy = fixture("checkpoints/legacy.pt");
  const opcodes = fc.constantFrom(
    ...new TextEncoder().encode("().012FIJKLMNPQRSTUVXabcdeghijlopqrstu}]GBC"),
    ...[0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x8c, 0x8f, 0x90, 0x91, 0x93, 0x94, 0x95],
  );
  const soup = fc
    .array(fc.oneof(opcodes, opcodes, fc.nat({ max: 255 })), { maxLength: 200 })
    .map((list) => Uint8Array.from(list));
  const pickles = fc.oneof(soup, mutated(legacy.subarray(0, 1200)));
  const data = new Uint8Array(64);
  await fc.assert(
    fc.asyncProperty(pickles, (pickle) =>
      only(() =>
        readAll(openTorchFile(memorySource(zipSync({ "x/data.pkl": pickle, "x/data/0": data }, { level: 0 })))),
      ),
    ),
    runs,
  );
});

test("npy", { timeout: 60_000 }, async () => {
  const valid = writeNpy(Float32Array.of(1, 2, 3, 4), [2, 2]);
  await fc.assert(
    fc.asyncProperty(mutated(valid), (bytes) => only(() => readNpy(bytes))),
    runs,
  );
});

test("YAML", { timeout: 60_000 }, async () => {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const config = fixture("decoders/uniaudio/checkpoint/decoder/config.yaml");
  await fc.assert(
    fc.asyncProperty(mutated(config), (bytes) => only(() => parseDecoderConfig(text(bytes)))),
    { numRuns: 300 },
  );
  const pieces = fc.constantFrom(
    "a",
    "b",
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&x ",
    "*x",
    "!ref ",
    "<a>",
    "<b[a]>",
    "!new:x.Y ",
    "!!python/name:os.system ",
    "<<",
    "|",
    ">",
    "'",
    '"',
    "1e-06",
    "? ",
    "#",
    "%YAML 1.1\n",
    "---\n",
    "~",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 60 }), (list) =>
      only(() => parseHyperPyYaml(list.join(""), "x.yaml")),
    ),
    runs,
  );
});

test("large hostile texts and files take no long time", { timeout: 60_000 }, async () => {
  await only(() => parseHyperPyYaml(Array.from({ length: 18_000 }, (_, i) => `k${i}: ${i}`).join("\n"), "x.yaml"));
  await only(() => parseHyperPyYaml(`a: ${"{a: ".repeat(30_000)}`, "x.yaml"));
  await only(() => parseHyperPyYaml(`a: &a 1\nb: [${"*a,".repeat(80_000)}]`, "x.yaml"));
  await only(() => parseHyperPyYaml(`a: !ref ${"(".repeat(30_000)}1`, "x.yaml"));
  await only(() =>
    parseHyperPyYaml(Array.from({ length: 5000 }, (_, i) => `a${i}: !ref <a${i + 1}>`).join("\n"), "x.yaml"),
  );
  await only(() => openTorchFile(memorySource(zipSync({ "x/data.pkl": new Uint8Array(2 ** 22).fill(0x7d) }))));
  await only(() => openTorchFile(memorySource(zipSync({ "x/data.pkl": new Uint8Array(2 ** 22).fill(0x28) }))));
});
