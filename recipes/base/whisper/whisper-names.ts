/** CTranslate2's variable names of a Whisper model → the names of a Hugging Face checkpoint. Nothing is transposed. */

import { RecipeError } from "../stages/errors.ts";
import type { Variable } from "./ctranslate2.ts";

/** Sub-layers: prefix in CTranslate2 → attention name and layer norm in the checkpoint. */
const ATTENTION: Record<string, { name: string; norm: string; linears: string[][] }> = {
  self_attention: {
    name: "self_attn",
    norm: "self_attn_layer_norm",
    linears: [["q_proj", "k_proj", "v_proj"], ["out_proj"]],
  },
  attention: {
    name: "encoder_attn",
    norm: "encoder_attn_layer_norm",
    linears: [["q_proj"], ["k_proj", "v_proj"], ["out_proj"]],
  },
};
const MLP: Record<string, string> = { linear_0: "fc1", linear_1: "fc2", layer_norm: "final_layer_norm" };

/** All tensors of the network by their checkpoint names; fused projections are split by rows. */
export function whisperNames(variables: ReadonlyMap<string, Variable>): Map<string, Variable> {
  const tensors = new Map<string, Variable>();
  for (const [path, variable] of variables) {
    // Integers only describe the network (heads, activation …); quantised weights would be integers with a shape.
    if (variable.dtype.startsWith("I")) {
      if (variable.shape.length > 1 && !path.endsWith("alignment_heads")) {
        throw new RecipeError(`model.bin: ${path} is quantised (${variable.dtype}), expected float16`);
      }
      continue;
    }
    for (const [name, part] of rename(path, variable)) tensors.set(name, part);
  }
  return tensors;
}

function rename(path: string, variable: Variable): [string, Variable][] {
  const parts = path.split("/");
  const side = parts[0];
  const leaf = parts.at(-1) === "gamma" ? "weight" : parts.at(-1) === "beta" ? "bias" : parts.at(-1)!;
  const middle = parts.slice(1, -1).join("/");
  const root = `model.${side}`;
  if (side === "encoder" || side === "decoder") {
    if (middle === "position_encodings") return [[`${root}.embed_positions.weight`, variable]];
    if (middle === "embeddings" && side === "decoder") return [[`${root}.embed_tokens.weight`, variable]];
    if (middle === "layer_norm" || /^conv[12]$/.test(middle)) return [[`${root}.${middle}.${leaf}`, variable]];
    const layer = /^layer_(\d+)\/(\w+)\/(\w+)$/.exec(middle);
    if (layer) {
      const [, index, block, part] = layer as unknown as [string, string, string, string];
      const prefix = `${root}.layers.${index}`;
      if (block === "ffn" && MLP[part]) return [[`${prefix}.${MLP[part]}.${leaf}`, variable]];
      const attention = ATTENTION[block];
      if (attention && part === "layer_norm") return [[`${prefix}.${attention.norm}.${leaf}`, variable]];
      const names = attention?.linears[Number(/^linear_(\d)$/.exec(part)?.[1] ?? -1)];
      if (attention && names) {
        return splitRows(variable, names.length)
          .map((rows, i): [string, Variable] => [`${prefix}.${attention.name}.${names[i]}.${leaf}`, rows])
          .filter(([name]) => !name.endsWith("k_proj.bias"));
      }
    }
  }
  throw new RecipeError(`model.bin: no place in a Whisper checkpoint is known for ${path}`);
}

/** Cuts a variable into equal blocks of rows. */
function splitRows(variable: Variable, count: number): Variable[] {
  const rows = variable.shape[0]! / count;
  const bytes = variable.data.length / count;
  return Array.from({ length: count }, (_, i) => ({
    dtype: variable.dtype,
    shape: [rows, ...variable.shape.slice(1)],
    data: variable.data.subarray(i * bytes, (i + 1) * bytes),
  }));
}
