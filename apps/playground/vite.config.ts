/**
 * The playground as a static page: relative addresses only, so that it works from any folder. ONNX Runtime stays as
 * published in `runtime/` beside the page: bundled, its threads would load the bundle instead of themselves.
 */
import { fileURLToPath } from "node:url";
import { defineConfig, type Rollup } from "vite";

const runtime = (build: string) => `../runtime/ort.${build}.bundle.min.mjs`;
const rollupOptions: Rollup.RollupOptions = {
  external: [/^onnxruntime-web\//],
  output: { paths: { "onnxruntime-web/wasm": runtime("wasm"), "onnxruntime-web/webgpu": runtime("webgpu") } },
  // the library's modules only define things: the page takes what it calls
  treeshake: { moduleSideEffects: (id) => id.includes("/apps/playground/") || id.startsWith("\0") },
  onwarn: (warning, warn) => warning.code !== "INVALID_ANNOTATION" && warn(warning),
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  logLevel: "warn",
  resolve: { conditions: ["source", "module", "browser", "import", "default"] },
  worker: { format: "es", rollupOptions },
  build: {
    outDir: fileURLToPath(new URL("../../packages/codec/dist/playground", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    rollupOptions,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
  },
});
