import { describe, expect, test } from "vitest";
import {
  PLAIN_SHAPING,
  type RawShaping,
  readDuration,
  resolveGuard,
  resolveShaping,
} from "../../../../src/cli/config/shaping.ts";
import { DEFAULT_GUARD } from "../../../../src/registry-sync/merge/guard.ts";

function resolve(raw: RawShaping, base = {}) {
  const faults: string[] = [];
  const config = resolveShaping(raw, base, "registries[0]", (path, message) => faults.push(`${path}: ${message}`));
  return { config, faults };
}

test("a registry of which nothing is said is taken over as it is", () => {
  expect(resolve({})).toEqual({ config: PLAIN_SHAPING, faults: [] });
});

test("a registry's guard comes over that of all registries, which comes over the defaults", () => {
  const { config, faults } = resolve(
    { guard: { hold: "1m", services: { "a.*": { least: 1 } } } },
    { share: 0.3, hold: "2m", services: { "b.*": { share: 1 } } },
  );
  expect(faults).toEqual([]);
  const own = { ...DEFAULT_GUARD, passingShare: 0.3, holdMs: 60_000 };
  expect(config.guard).toEqual({
    settings: own,
    services: [
      { pattern: "a.*", settings: { ...own, leastLost: 1 } },
      { pattern: "b.*", settings: { ...DEFAULT_GUARD, passingShare: 1, holdMs: 120_000 } },
    ],
  });
});

test("what cannot be meant is told with its path", () => {
  const { faults } = resolve({
    services: { include: [] },
    rename: [{ from: "a" }, { from: "a", to: "b" }],
    guard: { share: 2, least: 0, grace: "soon", services: { x: { hold: "8000h" } } },
  });
  expect(faults).toEqual([
    "registries[0].rename[0]: it changes nothing; give to, group, version or labels",
    "registries[0].services.include: it lists nothing, so nothing would be taken over",
    "registries[0].guard.share: 2 is no share from 0 to 1",
    "registries[0].guard.least: 0 is no whole number from 1 on",
    'registries[0].guard.grace: "soon" is no time such as 30s or 5m, of at most 7 days',
    'registries[0].guard.services.x.hold: "8000h" is no time such as 30s or 5m, of at most 7 days',
  ]);
});

test("a guard of nothing is the one below it", () => {
  expect(resolveGuard({}, PLAIN_SHAPING.guard, "guard", () => {})).toEqual(PLAIN_SHAPING.guard);
});

describe("times", () => {
  test.each([
    ["0s", 0],
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["168h", 604_800_000],
    ["169h", undefined],
    ["", undefined],
    ["5", undefined],
    ["-5s", undefined],
    ["1e9s", undefined],
    ["5m ", undefined],
  ])("%j", (text, ms) => {
    expect(readDuration(text)).toBe(ms);
  });
});
