/** For tests: the shared fixtures, folders that go away, and rows of a source. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { Example, ExampleSource } from "./example.ts";

export const fixturePath = (path: string): string =>
  fileURLToPath(new URL(`../../../../tests/fixtures/${path}`, import.meta.url));

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "data-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const allExamples = (source: ExampleSource): Promise<Example[]> =>
  Promise.all(Array.from({ length: source.length }, (_, i) => source.example(i)));
