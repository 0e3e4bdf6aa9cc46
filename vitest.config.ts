import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts", "recipes/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "recipes/*/work/**"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
  },
  ssr: { resolve: { conditions: ["source", "node"], externalConditions: ["source", "node"] } },
});
