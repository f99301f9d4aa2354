import { expect, test } from "vitest";
import { printMs, printRegistries } from "../../../src/cli/registries.ts";

test("registries are a table with a row each", () => {
  const text = printRegistries("table", [
    {
      ...{ name: "legacy", url: "zookeeper://a:1", connected: true, state: "connected", loaded: true },
      ...{ services: 2, endpoints: 3, heldEndpoints: 1, ageMs: 5_230, lagMs: 31 },
    },
    {
      ...{ name: "k8s", url: "kubernetes://", connected: false, state: "lost", loaded: false, restored: true },
      ...{ services: 1, endpoints: 1, errors: 4, error: "refused" },
    },
  ]);
  expect(text.split("\n").map((line) => line.split(/\s{2,}/))).toEqual([
    ["NAME", "URL", "STATE", "SERVICES", "ENDPOINTS", "HELD", "AGE", "LAG", "ERRORS"],
    ["legacy", "zookeeper://a:1", "connected", "2", "3", "1", "5.2s", "31ms", "-"],
    ["k8s", "kubernetes://", "lost", "1", "1", "0", "kept", "-", "4 (refused)"],
    [""],
  ]);
});

test.each([
  [undefined, "-"],
  [0, "0ms"],
  [999, "999ms"],
  [59_940, "59.9s"],
  [60_000, "1m"],
  [3_600_000, "1h"],
  [200_000_000, "2d"],
])("%j ms are %s", (ms, text) => {
  expect(printMs(ms)).toBe(text);
});
