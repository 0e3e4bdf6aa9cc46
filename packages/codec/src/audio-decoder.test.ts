import { cpSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { AudioDecoder } from "./audio-decoder.ts";
import { fileSource } from "./checkpoint/node/file-source.ts";
import { openTorchFile } from "./checkpoint/torch-file.ts";
import { streamTorchFile } from "./checkpoint/torch-writer.ts";

test("a decoder with damaged weights is reported, not written out as silence", async () => {
  const base = fileURLToPath(new URL("../../../models/base/", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "uat-damaged-"));
  try {
    for (const name of ["tokenizer", "decoder"]) cpSync(join(base, name), join(folder, name), { recursive: true });
    const store = await openTorchFile(await fileSource(join(base, "decoder", "hift.pt")));
    const tensors = new Map();
    for (const name of store.names()) {
      const bytes = await store.read(name);
      tensors.set(name, {
        ...store.info(name)!,
        data: () => (name === "post_conv.bias" ? bytes.slice().fill(0xff) : bytes),
      });
    }
    const file = openSync(join(folder, "decoder", "hift.pt"), "w");
    await streamTorchFile(tensors, (chunk) => void writeSync(file, chunk));
    await store.close();
    const decoder = await AudioDecoder.fromPretrained(folder, { device: "cpu" });
    await expect(decoder.decode([1, 2, 3])).rejects.toThrow("not finite");
    await expect(decoder.decodeStream([1, 2, 3]).next()).rejects.toThrow("not finite");
    await decoder.dispose();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
