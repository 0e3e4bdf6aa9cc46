/** The thing that a configuration trains. */
import type { Runtime } from "@uat/graph";
import type { RunConfig } from "../config/read-run-config.ts";
import type { Example } from "../data/example.ts";
import type { ColumnRole } from "../data/rows.ts";
import { createAcousticSystem } from "../systems/acoustic-system.ts";
import { createFlowSystem } from "../systems/flow-system.ts";
import { ReaderSystem } from "../systems/reader-system.ts";
import { TokenizerSystem } from "../systems/tokenizer-system.ts";
import { VocoderSystem } from "../systems/vocoder-system.ts";
import type { Collective } from "./collective.ts";
import type { TrainingSystem } from "./system.ts";

export interface CreateSystemOptions {
  readonly runtime: Runtime;
  readonly collective: Collective;
  readonly file: string;
  /** Folder of the run. */
  readonly out: string;
  /** All training rows once. */
  readonly examples: () => AsyncIterable<Example>;
  readonly onNote?: ((message: string) => void) | undefined;
}

export async function createSystem(config: RunConfig, options: CreateSystemOptions): Promise<TrainingSystem> {
  switch (config.system) {
    case "tokenizer":
      return TokenizerSystem.create(config, options);
    case "flow":
      return createFlowSystem(config, options);
    case "acoustic":
      return createAcousticSystem(config, options);
    case "vocoder":
      return VocoderSystem.create(config, options);
    case "reader":
      return ReaderSystem.create(config, options);
  }
}

/** Columns that a system cannot do without. */
export function requiredColumns(config: RunConfig): ColumnRole[] {
  return config.system === "tokenizer" && config.objectives.tokens > 0 ? ["text"] : [];
}
