// The model is fetched from /models/base/: copy the package's models/base there (public/models/base), or proxy it.
import { defineConfig } from "vite";

export default defineConfig({
  build: { target: "es2023", chunkSizeWarningLimit: 1000 },
  // the development server would pack ONNX Runtime anew and lose its WebAssembly
  optimizeDeps: { exclude: ["onnxruntime-web"] },
});
