import { spawn } from "node:child_process";
import { RecipeError } from "./errors.ts";

/** Runs a program to its end in `cwd`; a missing program or a failure becomes one line that says what to install. */
export function runCommand(program: string, args: readonly string[], cwd: string, install: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2000);
    });
    child.on("error", () => reject(new RecipeError(`cannot run ${program}: ${install}`)));
    child.on("close", (code) => {
      if (code === 0) resolve();
      else
        reject(new RecipeError(`${program} ${args.join(" ")} failed (${code}): ${errors.trim().split("\n").at(-1)}`));
    });
  });
}
