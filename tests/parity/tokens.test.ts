import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { AudioTokenizer } from "../../packages/codec/src/index.ts";

const root = fileURLToPath(new URL("../fixtures/tokenizers/", import.meta.url));
const audio = fileURLToPath(new URL("../fixtures/audio/", import.meta.url));

interface Expected {
  files: Record<string, { tokens: number[] }>;
}

for (const variant of readdirSync(root).filter((v) => existsSync(`${root}${v}/expected.json`))) {
  const expected: Expected = JSON.parse(readFileSync(`${root}${variant}/expected.json`, "utf8"));
  const names = Object.keys(expected.files);
  describe(variant, () => {
    test.each(["cpu", "wasm"] as const)(
      "tokens of every clip equal upstream's, alone and in a batch, on %s",
      async (device) => {
        const tokenizer = await AudioTokenizer.fromPretrained(`${root}${variant}/checkpoint`, { device });
        const batch = await tokenizer.encode(names.map((n) => audio + n));
        for (const [i, name] of names.entries()) {
          expect([...(batch.clips[i]?.codes ?? [])], name).toEqual(expected.files[name]?.tokens);
          if (device === "wasm") continue;
          const alone = await tokenizer.encode(audio + name);
          expect([...(alone.clips[0]?.codes ?? [])], name).toEqual(expected.files[name]?.tokens);
        }
        expect(names.length).toBeGreaterThan(9);
        await tokenizer.dispose();
      },
    );
  });
}
