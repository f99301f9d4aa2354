import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { fillDefaults } from "../../../../src/codecs/xds/defaults.ts";
import { xdsMessage } from "../../../../src/codecs/xds/types.ts";

describe("defaults that Trestle's shapes always have", () => {
  const rows: readonly (readonly [string, string, JsonObject, JsonObject])[] = [
    [
      "a cluster's policy",
      "envoy.config.cluster.v3.Cluster",
      { name: "a", type: "EDS" },
      { name: "a", type: "EDS", lbPolicy: "ROUND_ROBIN" },
    ],
    ["no endpoints", "envoy.config.endpoint.v3.ClusterLoadAssignment", {}, { endpoints: [] }],
    [
      "at any depth",
      "envoy.config.endpoint.v3.ClusterLoadAssignment",
      { endpoints: [{ priority: 1 }] },
      { endpoints: [{ priority: 1, lbEndpoints: [] }] },
    ],
    [
      "within an Any of a map",
      "envoy.config.route.v3.Route",
      {
        typedPerFilterConfig: {
          f: { "@type": "x/envoy.extensions.filters.http.fault.v3.HTTPFault", delay: { percentage: {} } },
        },
      },
      {
        typedPerFilterConfig: {
          f: {
            "@type": "x/envoy.extensions.filters.http.fault.v3.HTTPFault",
            delay: { percentage: { numerator: 0, denominator: "HUNDRED" } },
          },
        },
      },
    ],
    [
      "wrapped numbers of 64 bits are numbers",
      "envoy.config.cluster.v3.Cluster.RingHashLbConfig",
      { minimumRingSize: "1024" },
      { minimumRingSize: 1024 },
    ],
    [
      "not within a Struct",
      "envoy.config.core.v3.Metadata",
      { filterMetadata: { a: { endpoints: {} } } },
      { filterMetadata: { a: { endpoints: {} } } },
    ],
  ];
  test.each(rows)("%s", (_name, type, given, filled) => {
    expect(fillDefaults(xdsMessage(type), given)).toEqual(filled);
  });

  test("lists are not shared", () => {
    const type = xdsMessage("envoy.config.route.v3.RouteConfiguration");
    const [one, other] = [fillDefaults(type, {}), fillDefaults(type, {})];
    expect(one["virtualHosts"]).not.toBe(other["virtualHosts"]);
  });
});
