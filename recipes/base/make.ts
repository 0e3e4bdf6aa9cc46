/**
 * Makes the default weights, models/base and models/base-sap: `npm run recipe:base -- --speech DIR`. Every stage is skipped when what it made
 * is there, from the same inputs; a stopped training goes on from its last checkpoint. See README.md beside this file.
 */
import { parseArgs } from "node:util";
import { log, pipeline, work } from "./pipeline.ts";
import { RecipeError } from "./stages/errors.ts";
import { runStage } from "./stages/stage.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { speech: { type: "string" }, stages: { type: "string" } } });
  const all = pipeline(values.speech ?? process.env.UAT_SPEECH);
  const known = all.map(({ name }) => name);
  const wanted = values.stages?.split(",") ?? known;
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RecipeError(`--stages ${unknown}: expected some of ${known.join(",")}`);
  for (const stage of all) if (wanted.includes(stage.name)) await runStage(stage, work, log);
}

main().catch((error: unknown) => {
  const isInputError = error instanceof Error && "isInputError" in error;
  log(isInputError ? (error as Error).message : String((error as Error).stack ?? error));
  process.exitCode = isInputError ? 2 : 1;
});
