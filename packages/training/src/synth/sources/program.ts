/** Programs that the user has installed, called as processes. */
import { spawn } from "node:child_process";
import { TrainingError } from "../../errors.ts";

/** What a program writes on its standard output. @throws TrainingError when it is missing or fails. */
export function runProgram(
  program: string,
  args: readonly string[],
  { input = "", install }: { readonly input?: string; readonly install: string },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const output: Buffer[] = [];
    let errors = "";
    child.stdout.on("data", (part: Buffer) => output.push(part));
    child.stderr.on("data", (part: Buffer) => (errors = (errors + part.toString()).slice(-2000)));
    // it may end without reading all of its input
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "not found" : error.message;
      reject(new TrainingError(`${program}: ${reason}; ${install}`));
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output));
      else
        reject(
          new TrainingError(
            `${program} ${args.join(" ")}: failed (${code ?? signal}): ${errors.trim().split("\n").at(-1)}`,
          ),
        );
    });
  });
}
