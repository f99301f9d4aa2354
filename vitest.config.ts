import { defineConfig } from "vitest/config";
import { ensureDescriptors } from "./scripts/xds-protos.mjs";

ensureDescriptors();

/**
 * Three projects: `unit` needs Node alone; `e2e` runs against real peers and needs `make peers`; `istio` against Kubernetes' API server
 * too, which takes long to build (see DEVELOPMENT.md).
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/{unit,conformance,fuzz}/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "e2e",
          // Cases that run beside each other mostly wait.
          maxConcurrency: 24,
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "istio",
          maxConcurrency: 24,
          include: ["test/istio/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
