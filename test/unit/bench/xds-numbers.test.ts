import { expect, test } from "vitest";
import { concerned, quantile, type XdsResult, xdsShape, xdsTables } from "../../bench/xds-numbers.ts";

const result = (services: number, clients: number, more: Partial<XdsResult> = {}): XdsResult => ({
  kind: "provider",
  services,
  clients,
  answerMs: Array.from({ length: 100 }, (_, i) => i + 101),
  bytesPerChange: 368,
  cpuMsPerChange: 55.4,
  clientsCpuMsPerChange: 20.2,
  rssBytes: 3e8,
  connectMs: 9_200,
  ...more,
});

test("a quantile is a value that was measured", () => {
  expect([quantile([3, 1, 2], 0), quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.99)]).toEqual([1, 2, 3]);
});

test("a row for each size, and the goals of those that were measured", () => {
  const compiled = [{ services: 10_000, compileMs: 5_200, encodeMs: 2_000, bytes: 8_488_872 }];
  const text = xdsTables(
    [
      result(100, 200),
      result(1_000, 200, { bytesPerChange: 400 }),
      result(100, 200, { kind: "rule" }),
      result(1_000, 200, { kind: "rule" }),
      result(1_000, 2_000),
    ],
    compiled,
    [],
  );
  expect(text).toContain("| a provider | 1000 | 2000 | 151 ms | 200 ms | 368 B | 55 ms | 20 ms | 300 MB | 9.2 s |");
  expect(text).toContain("| 10000 | 5200 ms | 2000 ms | 8 MB |");
  expect(text).toContain("| change of a provider to all answers, p99, 2000 clients | 200 ms | ≤ 1000 ms | met |");
  expect(text).toContain("| memory of the server (a provider), 2000 clients | 0.3 GB | ≤ 1.5 GB | met |");
  expect(text).toContain("| bytes of a change of a provider, 1000 services beside 100 | 1.09 | ≤ 1.05 | missed |");
  expect(text).toContain("| bytes of a change of a rule, 1000 services beside 100 | 1 | ≤ 1.05 | met |");
  expect(text).toContain("| 10000 services compiled from empty | 5200 ms | ≤ 5000 ms | missed |");
});

test("what was not measured has no goal", () => {
  const text = xdsTables([result(100, 200)], [], []);
  expect(text).not.toContain("services compiled from empty");
  expect(text).not.toContain("p99, 2000");
});

test("a row for each storm", () => {
  const storm = {
    ...({ storm: "restart", services: 1_000, clients: 200, againMs: [1_000, 3_000, 2_000], attempts: 230 } as const),
    ...{ resourcesPerClient: 0, bytesPerClient: 205.2, cpuMs: 4_321, rssBytes: 3e8, peakBytes: 4e8 },
  };
  expect(xdsTables([], [], [storm])).toContain(
    "| the server is killed and started again | 1000 | 200 | 2.0 s | 3.0 s | 230 | 0, 205 B | 4.3 s | 400 MB, 300 MB |",
  );
});

test("a change concerns all clients, or those whose Sidecars show them its service", () => {
  expect([concerned("provider", 1_000, 200), concerned("rule", 1_000, 200), concerned("scopes", 1_000, 200)]).toEqual([
    200, 200, 2,
  ]);
});

test("a size is chosen by what it is made of", () => {
  expect([xdsShape("provider", 1_000, 2_000), xdsShape("compile", 10_000), xdsShape("storm", "restart")]).toEqual([
    "provider/1000/2000",
    "compile/10000",
    "storm/restart",
  ]);
});
