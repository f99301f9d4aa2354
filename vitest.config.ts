import { defineConfig } from "vitest/config";

/** Two projects: `unit` needs Node alone; `e2e` runs against real peers and needs `make peers` (see DEVELOPMENT.md). */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/{unit,conformance,fuzz}/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
