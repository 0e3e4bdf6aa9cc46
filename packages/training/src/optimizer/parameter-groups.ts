/** The parts of a model that are trained at different rates, told by parameter names. */

/** Names by part, each in upstream's order. */
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
  for (const name of upstreamOrder(names)) {
    if (name.includes("encoder")) encoder.push(name);
    else if (name.includes("decoder") || name.includes("proj_out")) decoder.push(name);
    else rest.push(name);
  }
  return { encoder, decoder, rest };
}

/** Modules in the order in which upstream's model lists them among their likes. */
const MODULES = [
  ...["encoder", "decoder", "proj_out"],
  ...["conv1", "conv2", "embed_tokens", "embed_positions", "layers", "layer_norm", "codebook", "embed_positions2"],
  ...["residual_adapter", "residual_gate", "residual_output_norm"],
  ...["self_attn", "self_attn_layer_norm", "encoder_attn", "encoder_attn_layer_norm", "fc1", "fc2", "final_layer_norm"],
  ...["k_proj", "v_proj", "q_proj", "out_proj", "weight", "bias"],
];
const RANKS = new Map(MODULES.map((name, i) => [name, i]));

/**
 * Names in the order of upstream's `named_parameters()`. The state of torch's optimisers knows parameters only by their
 * number in it, and those of equal shape would be mistaken for each other. Modules that upstream does not have follow,
 * in alphabetical order.
 */
export function upstreamOrder(names: Iterable<string>): string[] {
  return [...names]
    .map((name) => ({ name, path: name.split(".") }))
    .sort((a, b) => comparePaths(a.path, b.path))
    .map(({ name }) => name);
}

function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareModules(a[i] as string, b[i] as string);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareModules(a: string, b: string): number {
  if (a === b) return 0;
  const order = rank(a) - rank(b);
  return order !== 0 ? order : a < b ? -1 : 1;
}

/** Members of a list by number, then known modules, then others. */
function rank(module: string): number {
  if (/^\d+$/.test(module)) return Number(module) - Number.MAX_SAFE_INTEGER;
  return RANKS.get(module) ?? MODULES.length;
}
