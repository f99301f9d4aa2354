import { defineConfig } from "vitest/config";
import { ensureDescriptors } from "./scripts/xds-protos.mjs";

ensureDescriptors();

/** These put modules in place of other ones (`vi.mock`), so each has its modules for itself; all other unit tests share theirs, which takes a third of the time. */
const MOCKING = [
  "test/unit/cli/mesh/facades/open.test.ts",
  "test/unit/cli/mesh/registries/open.test.ts",
  "test/unit/registry-sync/facades/eureka.test.ts",
  "test/unit/registry-sync/sinks/plain-yaml.test.ts",
  "test/unit/registry-sync/state/state-store.test.ts",
];
const unit = { testTimeout: 60_000, restoreMocks: true };

/**
 * `unit` and `unit-mocks` need Node alone; `e2e` runs against real peers and needs `make peers`; `istio` against Kubernetes' API server
 * too, which takes long to build (see DEVELOPMENT.md).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...unit,
          name: "unit",
          isolate: false,
          include: ["test/{unit,conformance,fuzz}/**/*.test.ts"],
          exclude: MOCKING,
        },
      },
      { test: { ...unit, name: "unit-mocks", include: MOCKING } },
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
