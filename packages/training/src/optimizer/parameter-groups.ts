/** The parts of a model that are trained at different rates, told by parameter names. */

/** Names by part, each in the order given. */
export interface ModelParts {
  readonly encoder: readonly string[];
  readonly decoder: readonly string[];
  readonly rest: readonly string[];
}

/**
 * The parts as upstream's recipe divides them. A name that contains "encoder" belongs to the encoder, which takes in the
 * decoder's cross-attention (`encoder_attn`, `encoder_attn_layer_norm`); of the others those with "decoder" or
 * "proj_out" belong to the decoder.
 */
export function modelParts(names: Iterable<string>): ModelParts {
  const encoder: string[] = [];
  const decoder: string[] = [];
  const rest: string[] = [];
  for (const name of names) {
    if (name.includes("encoder")) encoder.push(name);
    else if (name.includes("decoder") || name.includes("proj_out")) decoder.push(name);
    else rest.push(name);
  }
  return { encoder, decoder, rest };
}
