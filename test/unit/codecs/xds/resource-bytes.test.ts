import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ProtocolError } from "../../../../src/base/errors.ts";
import {
  decodeMessage,
  decodeResource,
  encodeMessage,
  encodeResource,
} from "../../../../src/codecs/xds/resource-bytes.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SCHEMA_TYPE,
} from "../../../../src/codecs/xds/resources.ts";
import { xdsMessage } from "../../../../src/codecs/xds/types.ts";
import { ruleCases, runRuleCase } from "../../../support/rule-cases.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Field numbers of data-plane-api, written out by hand. */
const rows: readonly (readonly [string, string, unknown, string])[] = [
  ["a cluster of endpoints", CLUSTER_TYPE, { name: "a", type: "EDS", lbPolicy: "RANDOM" }, "0a0161" + "1003" + "3003"],
  [
    "endpoints",
    ENDPOINT_TYPE,
    { clusterName: "a", endpoints: [{ lbEndpoints: [], priority: 1 }] },
    "0a0161" + "12022801",
  ],
  ["a listener", LISTENER_TYPE, { name: "a", trafficDirection: "OUTBOUND" }, "0a0161" + "800102"],
  [
    "routes",
    ROUTE_TYPE,
    { name: "a", virtualHosts: [{ name: "b", domains: ["*"] }] },
    "0a0161" + "1206" + "0a0162" + "12012a",
  ],
  ["types of calls", SCHEMA_TYPE, { name: "a" }, "0a0161" + "120c" + "7b226e616d65223a2261227d"],
];

/** Without the types that a configuration may leave out, and without maps that have nothing in them. */
const bare = (json: unknown): unknown =>
  JSON.parse(JSON.stringify(json), (key, value) => {
    if (key !== "typedPerFilterConfig" && key !== "typedExtensionProtocolOptions") return value;
    for (const one of Object.values(value)) delete (one as { "@type"?: string })["@type"];
    return Object.keys(value).length === 0 ? undefined : value;
  });

describe("resources as bytes", () => {
  test.each(rows)("%s", (_name, typeUrl, json, bytes) => {
    expect(hex(encodeResource(typeUrl, json))).toBe(bytes);
  });

  const lists = { listeners: LISTENER_TYPE, routes: ROUTE_TYPE, clusters: CLUSTER_TYPE, endpoints: ENDPOINT_TYPE };
  test.each(ruleCases())("what is compiled of %s comes back as it was", (name) => {
    const set = parse(runRuleCase(name).xds) as Record<string, object[]>;
    let count = 0;
    for (const [list, typeUrl] of Object.entries({ ...lists, schemas: SCHEMA_TYPE })) {
      for (const resource of set[list] ?? []) {
        expect(bare(decodeResource(typeUrl, encodeResource(typeUrl, resource)))).toEqual(bare(resource));
        count++;
      }
    }
    expect(count).toBeGreaterThan(0);
  });

  test("a configuration under a filter's name gets the filter's type", () => {
    const fault = { abort: { httpStatus: 503, percentage: { numerator: 5, denominator: "HUNDRED" } } };
    const routes = {
      name: "a",
      virtualHosts: [{ name: "b", domains: ["*"], typedPerFilterConfig: { "envoy.filters.http.fault": fault } }],
    };
    const before = JSON.stringify(routes);
    const decoded = decodeResource(ROUTE_TYPE, encodeResource(ROUTE_TYPE, routes)) as typeof routes;
    expect(decoded.virtualHosts[0]?.typedPerFilterConfig["envoy.filters.http.fault"]).toEqual({
      "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
      ...fault,
    });
    expect(JSON.stringify(routes)).toBe(before);
  });

  test("a type that is said counts before the filter's name", () => {
    const said = { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "a" };
    const json = {
      name: "a",
      typedExtensionProtocolOptions: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": said },
    };
    expect(decodeResource(CLUSTER_TYPE, encodeResource(CLUSTER_TYPE, json))).toMatchObject(json);
  });

  test("a field that the type does not have is named", () => {
    expect(() => encodeResource(CLUSTER_TYPE, { name: "a", nmae: "b" })).toThrow(/nmae/);
    expect(() => encodeResource("type.googleapis.com/a.B", {})).toThrow("there is no xds message");
  });

  const broken: readonly (readonly [string, string, string])[] = [
    ["a length over the end", CLUSTER_TYPE, "0a0561"],
    ["a field of another kind", CLUSTER_TYPE, "08"],
    ["a filter's configuration of a type that is not known", CLUSTER_TYPE, "a202" + "0a" + "0a0161" + "12050a03782f79"],
    ["types of calls that are no JSON", SCHEMA_TYPE, "12027b7d".replace("7b7d", "7b7b")],
    ["types of calls that are no object", SCHEMA_TYPE, "120131"],
  ];
  test.each(broken)("%s is a fault of the protocol", (_name, typeUrl, bytes) => {
    expect(() => decodeResource(typeUrl, Buffer.from(bytes, "hex"))).toThrow(ProtocolError);
  });

  test("a message of a service goes both ways", () => {
    const type = xdsMessage("istio.v1.auth.IstioCertificateRequest");
    const json = { csr: "x", validityDuration: "86400", metadata: { ClusterID: "k" } };
    expect(decodeMessage(type, encodeMessage(type, json))).toEqual(json);
    expect(hex(encodeMessage(type, { csr: "x", validityDuration: 5 }))).toBe("0a0178" + "1805");
  });
});
