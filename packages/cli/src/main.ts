/** Entry of the `uat` command: runs it, tells errors in one line, ends with the documented exit code. */
import { explain } from "./errors.ts";
import { handleSignals } from "./interrupt.ts";
// listens for errors of standard output, which help is written to as well
import "./output/standard-output.ts";
import { program } from "./program.ts";

handleSignals();
try {
  await program().parseAsync();
} catch (error) {
  const { text, exitCode } = explain(error);
  if (text) process.stderr.write(`${text}\n`);
  process.exitCode = exitCode;
}
