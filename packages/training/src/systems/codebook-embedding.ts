/** Embeddings that begin as a codebook: codes that training seldom shows lie beside their neighbours. */

/** Deviation of the embedding's values. */
const DEVIATION = 0.5;

/**
 * Rows without their mean, all values together of deviation 0.5.
 * @param codebook [codes, width], row-major.
 */
export function codebookEmbedding(codebook: Float32Array, width: number): Float32Array {
  const mean = new Float64Array(width);
  const rows = codebook.length / width;
  for (const [i, v] of codebook.entries()) mean[i % width]! += v / rows;
  const out = codebook.map((v, i) => v - mean[i % width]!);
  const squares = out.reduce((sum, v) => sum + v * v, 0);
  return out.map((v) => (v * DEVIATION) / Math.sqrt(squares / out.length));
}
