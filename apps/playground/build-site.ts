/**
 * `npm run build:playground-site -- FOLDER`: the built page with all it asks for, as a folder for any web server. (The
 * package holds model and WebAssembly once already; `uat serve` puts them below the page instead.)
 */
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = join(root, "packages/codec/dist/playground");
const runtime = "node_modules/onnxruntime-web/dist";
/** The builds for WASM and for WebGPU, each with its WebAssembly. */
const RUNTIME_FILES = [
  "ort.wasm.bundle.min.mjs",
  "ort-wasm-simd-threaded.wasm",
  "ort.webgpu.bundle.min.mjs",
  "ort-wasm-simd-threaded.asyncify.wasm",
];

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("no folder: give one, e.g. npm run build:playground-site -- site");
if (!existsSync(page)) throw new Error("the page is not built: npm run build");
if (existsSync(folder)) throw new Error(`${folder}: is there already; give another, or remove it`);
cpSync(page, folder, { recursive: true });
for (const model of ["base", "samples"])
  cpSync(join(root, "models", model), join(folder, "models", model), { recursive: true });
for (const file of RUNTIME_FILES) {
  const target = join(folder, "runtime", file);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(root, runtime, file), target);
}
console.log(`${folder}: serve it with any web server; docs/playground.md tells which headers give it threads`);
