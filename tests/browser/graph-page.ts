/** The page of graph.test.ts: checks operator goldens with the browser's side of packages/graph. */
import { createRuntime, type Device } from "../../packages/graph/src/index.ts";
import { checkCase, type GoldenCase, type GoldenFile } from "../interop/op-goldens.ts";

export interface GoldenReport {
  readonly runtime: string;
  readonly checked: number;
  /** Largest error of each operator, relative to max(1, |expected|). */
  readonly errors: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** All cases of the files, or the first of each operator. */
async function checkGoldens(device: Device, files: readonly string[], choice: "all" | "first"): Promise<GoldenReport> {
  const runtime = await createRuntime({ device, threads: 2 });
  const cases: GoldenCase[] = [];
  for (const file of files) cases.push(...((await (await fetch(file)).json()) as GoldenFile).cases);
  const errors: Record<string, number> = {};
  let checked = 0;
  const failures: string[] = [];
  for (const c of cases) {
    if (choice === "first" && c.op in errors) continue;
    checked++;
    errors[c.op] ??= 0;
    try {
      errors[c.op] = Math.max(errors[c.op] as number, await checkCase(runtime, c));
    } catch (error) {
      failures.push(`${c.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  await runtime.dispose();
  return { runtime: runtime.name, checked, errors, failures };
}

export interface GraphPage {
  checkGoldens: typeof checkGoldens;
}
Object.assign(globalThis, { checkGoldens } satisfies GraphPage);
