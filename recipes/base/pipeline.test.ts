import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pipeline, work } from "./pipeline.ts";

const speech = mkdtempSync(join(tmpdir(), "speech-"));
writeFileSync(join(speech, "metadata.tsv"), "path\tlanguage\tspeaker\ttext\n");
const stages = pipeline(speech);
const configs = join(import.meta.dirname, "configs");

/** What a configuration reads of the work folder: files, folders and patterns. */
const reads = (name: string) =>
  [...readFileSync(join(configs, name), "utf8").matchAll(/\.\.\/work\/([^\s,}]+)/g)].map(([, path]) =>
    join(work, path!.replace(/\/[^/]*\*.*$/, "")),
  );

describe("the stages", () => {
  test("have names of their own, and outputs of their own", () => {
    const names = stages.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    const outputs = stages.flatMap((stage) => stage.outputs);
    expect(outputs).toEqual([...new Set(outputs)]);
  });

  test.each(stages.map((stage, i) => [stage.name, stage, i] as const))(
    "%s reads what is made before it",
    (_, stage, i) => {
      const made = stages.slice(0, i).flatMap(({ outputs }) => outputs);
      for (const file of stage.after ?? []) expect(made).toContain(file);
      if (!readdirSync(configs).includes(`${stage.name}.yaml`)) return;
      const wanted = reads(`${stage.name}.yaml`);
      expect(wanted).not.toEqual([]);
      for (const path of wanted)
        expect(
          made.some((file) => file === path || file.startsWith(`${path}/`)),
          path,
        ).toBe(true);
    },
  );

  test("use every configuration", () => {
    const names = stages.map(({ name }) => `${name}.yaml`);
    for (const config of readdirSync(configs)) expect(names).toContain(config);
  });
});
