/** The page of tokens.test.ts: the library as a browser application uses it. */
import { AudioTokenizer } from "../../packages/codec/src/index.ts";

/** Codes of each clip by its URL, on WebAssembly. */
async function tokenize(model: string, clips: readonly string[]): Promise<{ runtime: string; codes: number[][] }> {
  const tokenizer = await AudioTokenizer.fromPretrained(model, { device: "cpu", threads: 2 });
  const { clips: results } = await tokenizer.encode(clips);
  const { runtime } = tokenizer;
  await tokenizer.dispose();
  return { runtime, codes: results.map((r) => [...r.codes]) };
}

export interface TokensPage {
  tokenize: typeof tokenize;
}
Object.assign(globalThis, { tokenize } satisfies TokensPage);
