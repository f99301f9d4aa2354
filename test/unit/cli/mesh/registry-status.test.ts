import { expect, test } from "vitest";
import { embeddedRegistry } from "../../../../src/cli/config/registries.ts";
import { registryStatuses, warnOutOfReach } from "../../../../src/cli/mesh/registry-status.ts";
import type { SourceStatus } from "../../../../src/registry-sync/contracts.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";
import { entry, world } from "../../../support/worlds.ts";

const open = (connected: boolean, status?: SourceStatus) => ({
  config: { ...embeddedRegistry(), name: "r", scheme: "zookeeper" as const, chroot: "/a" },
  hosts: ["10.0.0.1:2181"],
  connected: () => connected,
  source: { name: "r", watch: async function* () {}, ...(status && { status: () => status }) },
});
const sync = {
  worlds: [world("r", entry("a.A", ["10.0.0.1", "10.0.0.2"]), entry("a.B", []))],
  held: new Map([["r", 1]]),
  seen: new Map([["r", { atMs: 1_000, lagMs: 31 }]]),
  restored: new Set<string>(),
};

test("size, age and lag are those of its newest world", () => {
  expect(registryStatuses([open(true)], sync, 6_000)).toEqual([
    {
      ...{ name: "r", url: "zookeeper://10.0.0.1:2181/a", connected: true, state: "connected", loaded: true },
      ...{ restored: false, services: 2, endpoints: 2, heldEndpoints: 1, ageMs: 5_000, lagMs: 31 },
    },
  ]);
});

test.each([
  ["before it was within reach", open(false), undefined, { state: "connecting", loaded: false, services: 0 }],
  ["after it was lost", open(false), sync, { state: "lost", loaded: true }],
  [
    "as its source says",
    open(false, { state: "lost", errors: 3, lastError: "refused" }),
    undefined,
    { state: "lost", errors: 3, error: "refused" },
  ],
  [
    "while what was kept is served",
    open(false),
    { ...sync, seen: new Map(), restored: new Set(["r"]) },
    { state: "connecting", loaded: false, restored: true, services: 2 },
  ],
])("its state is told %s", (_name, registry, known, expected) => {
  expect(registryStatuses([registry], known, 0)).toMatchObject([expected]);
});

test("each registry out of reach is warned of by name, with the reason where there is one", () => {
  const { logger, lines } = recordingLogger();
  warnOutOfReach([open(true), open(false), open(false, { state: "lost", errors: 3, lastError: "refused" })], logger);
  const known = { registry: "r", hosts: ["10.0.0.1:2181"] };
  expect(lines.map(([level, , fields]) => [level, fields])).toEqual([
    ["warn", known],
    ["warn", { ...known, reason: "refused" }],
  ]);
});
