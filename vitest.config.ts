import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts", "recipes/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "recipes/*/work*/**"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    // the engine uses every core by itself
    maxWorkers: 2,
    minWorkers: 1,
    reporters: ["default", "./tests/count-reporter.ts"],
  },
  ssr: { resolve: { conditions: ["source", "node"], externalConditions: ["source", "node"] } },
});
