/** Turns a fetched package into a list of its files, read one at a time. Packages are extracted once. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileSource } from "../../../packages/codec/src/checkpoint/node/file-source.ts";
import { ZipArchive } from "../../../packages/codec/src/checkpoint/zip.ts";
import { RecipeError } from "../stages/errors.ts";
import { runCommand } from "../stages/run-command.ts";
import { writeWhole } from "../stages/write-whole.ts";
import { readCat } from "./cat-archive.ts";
import type { AudioSource, Source } from "./sources.ts";

/** One file inside a package. */
export interface Member {
  /** Path inside the package, or inside the archive that the package holds. */
  path: string;
  /** What the archive says about it, when it does. */
  description?: string;
  read(): Promise<Uint8Array>;
}

/** Extracts a package of `downloads` below `unpacked` unless it is there, and returns its folder. */
export async function unpack(source: Source, downloads: string, unpacked: string): Promise<string> {
  const folder = join(unpacked, `${source.name}-${source.version}`);
  if (existsSync(folder)) return folder;
  const file = join(downloads, source.file);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  if (source.file.endsWith(".whl")) await unzip(file, partial);
  else if (source.file.endsWith(".deb")) await runCommand("dpkg-deb", ["-x", file, partial], ".", "install dpkg");
  else await runCommand("tar", ["-xzf", file, "-C", partial], ".", "install tar");
  renameSync(partial, folder);
  return folder;
}

async function unzip(file: string, folder: string): Promise<void> {
  const bytes = await fileSource(file);
  try {
    const zip = await ZipArchive.open(bytes);
    for (const entry of zip.entries.values()) {
      const path = join(folder, entry.name);
      if (relative(folder, path).startsWith(".."))
        throw new RecipeError(
          `${file}: its file ${entry.name} would be written outside its folder; the archive is damaged`,
        );
      if (!entry.name.endsWith("/")) writeWhole(path, await zip.read(entry));
    }
  } finally {
    await bytes.close();
  }
}

/** The files of an unpacked audio source, in path order; `close` when they were read. */
export async function listMembers(
  source: AudioSource,
  folder: string,
): Promise<{ members: Member[]; close: () => Promise<void> }> {
  const { container } = source;
  let members: Member[];
  let close = async () => {};
  if (container && "zip" in container) {
    const file = await fileSource(join(folder, container.zip));
    const zip = await ZipArchive.open(file);
    close = () => file.close();
    members = [...zip.entries.values()].map((entry) => ({ path: entry.name, read: () => zip.read(entry) }));
  } else if (container) {
    const sounds = readCat(await readFile(join(folder, container.cat)));
    members = sounds.map(({ path, description, bytes }) => ({ path, description, read: async () => bytes }));
  } else members = listFiles(folder);
  members.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { members, close };
}

/** Every plain file below a folder. */
export function listFiles(folder: string): Member[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path: relative(folder, path), read: async () => new Uint8Array(await readFile(path)) };
    });
}
