import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { AudioDecoder } from "./audio-decoder.ts";
import { directoryFiles } from "./checkpoint/node/file-source.ts";
import { writeSafetensorsFile } from "./checkpoint/node/safetensors-file.ts";
import { openSafetensorsModel } from "./checkpoint/safetensors.ts";
import type { LazyTensor } from "./checkpoint/safetensors-writer.ts";

test("a decoder with damaged weights is reported, not written out as silence", async () => {
  const base = fileURLToPath(new URL("../../../models/base/", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "uat-damaged-"));
  try {
    cpSync(join(base, "tokenizer"), join(folder, "tokenizer"), { recursive: true });
    const store = await openSafetensorsModel(directoryFiles(base), "decoder/ridge");
    const tensors = new Map<string, LazyTensor>();
    for (const name of store.names()) {
      const info = store.info(name);
      const bytes = await store.read(name);
      if (info) tensors.set(name, { ...info, data: () => (name === "map.bias" ? bytes.slice().fill(0xff) : bytes) });
    }
    await writeSafetensorsFile(join(folder, "decoder", "ridge.safetensors"), tensors);
    await store.close();
    const decoder = await AudioDecoder.fromPretrained(folder, { device: "cpu" });
    await expect(decoder.decode([1, 2, 3])).rejects.toThrow("not finite");
    await expect(decoder.decodeStream([1, 2, 3]).next()).rejects.toThrow("not finite");
    await decoder.dispose();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
