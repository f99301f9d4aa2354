import { expect, test } from "vitest";
import { compileOutlier } from "../../../../src/bridge-proxy/upstream/outlier.ts";
import type { OutlierDetection } from "../../../../src/codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../../../src/codecs/xds/core.ts";
import { clusterOf } from "../../../support/xds-fixtures.ts";

function planOf(outlierDetection: OutlierDetection | undefined, errorCodes?: readonly number[]) {
  const cluster = clusterOf("com.acme.A");
  const service = cluster.metadata.filterMetadata[TRESTLE_METADATA];
  return compileOutlier({
    ...cluster,
    ...(outlierDetection && { outlierDetection }),
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { ...service, ...(errorCodes && { errorCodes }) } } },
  });
}

test("without outlier detection there is no plan", () => {
  expect(planOf(undefined)).toBeUndefined();
});

test.each<[string, OutlierDetection, object]>([
  [
    "Envoy's defaults",
    {},
    {
      errors: { count: 5, chance: 1 },
      gatewayErrors: undefined,
      localErrors: undefined,
      intervalMs: 10_000,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjected: 0.1,
      alwaysEjectsOne: false,
    },
  ],
  [
    "all said",
    {
      consecutive5xx: 7,
      enforcingConsecutive5xx: 50,
      consecutiveGatewayFailure: 3,
      enforcingConsecutiveGatewayFailure: 100,
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailure: 2,
      interval: "1s",
      baseEjectionTime: "400s",
      maxEjectionPercent: 100,
      alwaysEjectOneHost: true,
    },
    {
      errors: { count: 7, chance: 0.5 },
      gatewayErrors: { count: 3, chance: 1 },
      localErrors: { count: 2, chance: 1 },
      intervalMs: 1_000,
      baseEjectionMs: 400_000,
      maxEjectionMs: 400_000,
      maxEjected: 1,
      alwaysEjectsOne: true,
    },
  ],
  ["errors are off by a count of 0", { consecutive5xx: 0 }, { errors: undefined }],
  ["errors are off by a chance of 0", { enforcingConsecutive5xx: 0 }, { errors: undefined }],
  [
    "local errors split off, and off",
    { splitExternalLocalOriginErrors: true, enforcingConsecutiveLocalOriginFailure: 0 },
    { localErrors: "off" },
  ],
])("%s", (_, detection, plan) => {
  expect(planOf(detection)).toMatchObject(plan);
});

test("plans that say the same have one key", () => {
  const { key } = planOf({ interval: "1s" }, [500])!;
  expect(planOf({ interval: "1s" }, [500])!.key).toBe(key);
  for (const other of [planOf({ interval: "2s" }, [500]), planOf({ interval: "1s" }), planOf({})])
    expect(other!.key).not.toBe(key);
});

test("errors are the codes from 500 on, or those that the cluster names", () => {
  const errors = (codes?: readonly number[]) => [200, 429, 499, 500, 503, 599].filter(planOf({}, codes)!.isError);
  expect([errors(), errors([429, 503]), errors([])]).toEqual([[500, 503, 599], [429, 503], []]);
});
