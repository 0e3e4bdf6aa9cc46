/** Which tokeniser a describer was trained with: told by its codebook. */
import { float16Tensor } from "../checkpoint/tensor-store.ts";

/**
 * SHA-256, in hexadecimal, of the codebook's float16 values, row-major and little-endian: a tokeniser that was trained in
 * float32 and shipped in float16 is the same one.
 * @param codebook a tokeniser's `codebook.weight`.
 * @returns undefined where the platform has no SHA-256: a page that was not loaded securely.
 */
export async function codebookHash(codebook: Float32Array): Promise<string | undefined> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) return undefined;
  const { data } = float16Tensor([codebook.length], codebook);
  const digest = new Uint8Array(await subtle.digest("SHA-256", data as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
