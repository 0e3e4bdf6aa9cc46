import { TokenizerError } from "../errors.ts";

/**
 * Codes as int32; negative ones become 0, as upstream.
 * @throws TokenizerError for fractional codes and codes past the codebook.
 */
export function checkCodes(codes: ArrayLike<number>, codebookSize: number): Int32Array {
  const out = new Int32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    if (!Number.isInteger(code) || code >= codebookSize) {
      throw new TokenizerError(`code ${code} at position ${i}: expected a whole number below ${codebookSize}`);
    }
    out[i] = Math.max(0, code);
  }
  return out;
}
