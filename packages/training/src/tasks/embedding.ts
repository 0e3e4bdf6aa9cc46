import type { Random } from "../random.ts";

/**
 * More rows for an embedding whose vocabulary grew. A new row is the mean of the old ones, so that, where the embedding is
 * also the output layer, a new token is at first no likelier than others are on average (Hewitt, "Initializing new word
 * embeddings for pretrained language models", 2021), plus normal noise of a tenth of each column's deviation, so that no
 * two new tokens are the same.
 * @param values [rows, width], row-major.
 * @param rows after growing; at least as many as there are.
 * @returns [rows, width], the old rows first; `values` itself when there is nothing to add.
 */
export function growEmbedding(values: Float32Array, width: number, rows: number, random: Random): Float32Array {
  const old = values.length / width;
  if (rows === old) return values;
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width]! += values[i]! / old;
  for (let i = 0; i < values.length; i++) deviation[i % width]! += (values[i]! - mean[i % width]!) ** 2 / old;
  const out = new Float32Array(rows * width);
  out.set(values);
  for (let i = values.length; i < out.length; i++)
    out[i] = mean[i % width]! + 0.1 * Math.sqrt(deviation[i % width]!) * random.normal();
  return out;
}
