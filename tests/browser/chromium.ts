/**
 * The Chromium that comes with npm: @sparticuz/chromium packs it compressed, with the few libraries a bare system lacks.
 *
 * It is unpacked once into node_modules/.cache. The package itself unpacks into the temporary folder, file by file, and
 * hands out whatever lies there: two test files that start together, or one that was interrupted, would get half a
 * browser. So it unpacks into a folder of ours, which gets its final name when it is complete.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packed from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

const cache = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));

/** Folder of the unpacked browser; its libraries lie beside it. */
export async function chromiumFolder(): Promise<string> {
  const root = join(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")), "../..");
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const partial = await mkdtemp(join(cache, "chromium-partial-"));
  // where it unpacks to, and that it unpacks the libraries too, is told by the environment alone
  const changed = { TMPDIR: partial, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs20.x" };
  const before = Object.fromEntries(Object.keys(changed).map((k) => [k, process.env[k]]));
  try {
    Object.assign(process.env, changed);
    await packed.executablePath();
    await writeFile(join(partial, "fonts/fonts.conf"), fontsOf(folder));
    await rename(partial, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error; // another test file was first
    });
  } finally {
    for (const [key, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

/** The package's own list of folders names none that is there, and a page without any font ends Chromium. */
const fontsOf = (folder: string) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts/fonts</dir>
  <cachedir>${folder}/fonts/cache</cachedir>
</fontconfig>
`;

/**
 * Starts headless Chromium with `--no-sandbox` and `flags` alone: the flags that the package proposes switch off the
 * isolation which gives pages SharedArrayBuffer, and so the threads of WebAssembly.
 */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const folder = await chromiumFolder();
  const { LD_LIBRARY_PATH } = process.env;
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ["--no-sandbox", ...flags],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [join(folder, "al2023/lib"), ...(LD_LIBRARY_PATH ? [LD_LIBRARY_PATH] : [])].join(":"),
      FONTCONFIG_PATH: join(folder, "fonts"),
    },
  });
}
