/** Standard output as a place for results: waits for slow readers, ends quietly when they go, tells a full disk. */
import { OutputClosed, systemError } from "../errors.ts";
import type { OutputFile } from "./outputs.ts";

let failure: unknown;
// without a listener the stream would throw where nobody can catch it
process.stdout.on("error", (error) => (failure ??= error));

/** Writes all of it. @throws OutputClosed when the reader has gone; InputError when it cannot be written. */
export function print(data: string | Uint8Array): Promise<void> {
  if (failure) return Promise.reject(described(failure));
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => (error ? reject(described(error)) : resolve()));
  });
}

export const printLine = (line: string): Promise<void> => print(`${line}\n`);

/** Standard output in the role of a file that cannot go back. */
export const standardOutput: OutputFile = {
  path: "standard output",
  seekable: false,
  write: print,
  rewrite: () => Promise.reject(new Error("standard output cannot go back")),
};

const described = (error: unknown): unknown =>
  (error as NodeJS.ErrnoException).code === "EPIPE"
    ? new OutputClosed("closed")
    : systemError("standard output", "written", error);
