/**
 * Bundles the private workspace packages into the one that is published, once for Node and once for browsers. The
 * `imports` conditions of the packages (`#platform`, `#backend`) pick the files of each; dependencies stay outside.
 */
import { readFileSync } from "node:fs";
import { defineConfig, type UserConfig } from "tsdown";

const { version } = JSON.parse(readFileSync("packages/codec/package.json", "utf8"));

const bundle = (platform: "node" | "browser"): UserConfig => ({
  cwd: "packages/codec",
  tsconfig: "../../tsconfig.json",
  platform,
  format: "esm",
  target: "es2023",
  fixedExtension: false,
  noExternal: [/^@uat\//, /^universal-audio-tokenizer(\/|$)/],
  // onnxruntime-common comes with either runtime
  external: [/^onnxruntime-/],
  // workspace packages resolve to their sources
  inputOptions: {
    resolve: { conditionNames: ["source", platform, "import", "default"] },
    checks: { pluginTimings: false },
  },
  // all files in one folder: native.ts looks for native-worker.js beside itself
  outputOptions: { entryFileNames: "[name].js", chunkFileNames: "[name].js" },
  define: { UAT_VERSION: JSON.stringify(version) },
  dts: false,
  logLevel: "warn",
});

export default defineConfig([
  {
    ...bundle("node"),
    entry: {
      index: "src/index.ts",
      cli: "../cli/src/main.ts",
      "native-worker": "../graph/src/run/native-worker.ts",
      "loader-worker": "../training/src/data/loader-worker.ts",
      "server-worker": "../server/src/engine/engine-worker.ts",
    },
    outDir: "dist/node",
  },
  {
    ...bundle("browser"),
    entry: { index: "src/index.ts", client: "../server/src/client/client.ts" },
    outDir: "dist/browser",
  },
  // one set of types serves both
  {
    ...bundle("node"),
    entry: { index: "src/index.ts", client: "../server/src/client/client.ts" },
    outDir: "dist/types",
    outputOptions: {},
    dts: { emitDtsOnly: true, eager: true },
  },
]);
