import { fromBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { encodeResource } from "../../src/codecs/xds/resource-bytes.ts";
import { CLUSTER_TYPE, ROUTE_TYPE } from "../../src/codecs/xds/resources.ts";
import { xdsMessage, xdsTypes } from "../../src/codecs/xds/types.ts";
import { ruleCases, servedInCase } from "../support/rule-cases.ts";

// What other clients are given reaches them whole: each field that is compiled is one that the protos have, and stands in the bytes.
const node = { cluster: "", userAgentName: "envoy", userAgentVersion: "1.40.0" };
const LABELS = { istio: "ingressgateway" };
const CLIENTS = {
  "an Envoy as a sidecar": { ...node, id: "sidecar~127.0.0.1~a~b", metadata: {} },
  "an Envoy that takes virtual hosts one by one": {
    ...{ ...node, id: "sidecar~127.0.0.1~a~b", metadata: {} },
    isDeltaAds: true,
  },
  "an Envoy as a gateway": { ...node, id: "router~127.0.0.1~a~b", metadata: { LABELS } },
  "a gRPC client": { ...node, userAgentName: "gRPC Go", id: "a", metadata: { GENERATOR: "grpc" } },
  "a dubbo-xds client": { ...node, userAgentName: "", id: "sidecar~127.0.0.1~a~b", metadata: {} },
} as const;

/** With all defaults, which have no bytes. */
function readAll(typeUrl: string, bytes: Uint8Array): unknown {
  const type = xdsMessage(typeUrl);
  return toJson(type, fromBinary(type, bytes), { registry: xdsTypes(), alwaysEmitImplicit: true });
}

/** Fields of a resource that what came back does not have, or has with another value. */
function lost(written: unknown, back: unknown, path = ""): string[] {
  if (typeof written !== "object" || written === null)
    return plain(written) === plain(back) ? [] : [`${path}: ${String(written)} is ${String(back)}`];
  return Object.entries(written).flatMap(([key, value]) => {
    const other = (back as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (value === undefined) return [];
    return other === undefined ? [`${path}.${key}`] : lost(value, other, `${path}.${key}`);
  });
}

/** A duration may be written with more zeros. */
function plain(value: unknown): string {
  return /^\d+\.\d+s$/.test(String(value)) ? `${Number.parseFloat(String(value))}s` : String(value);
}

describe.each(Object.entries(CLIENTS))("%s", (_, client) => {
  let seen = 0;

  test.each(ruleCases())("of %s", (name) => {
    for (const [typeUrl, resources] of servedInCase(name, client).types)
      for (const resource of resources) {
        const back = readAll(typeUrl, encodeResource(typeUrl, resource.resource));
        expect(lost(resource.resource, back, resource.name)).toEqual([]);
        seen++;
      }
  });

  test("has been given something", () => {
    expect(seen).toBeGreaterThan(30);
  });
});

test("a field that the protos lack is refused, wherever it stands", () => {
  const strange = {
    name: "a",
    virtualHosts: [{ name: "b", domains: ["*"], routes: [{ match: { prefix: "/", new: 1 } }] }],
  };
  expect(() => encodeResource(ROUTE_TYPE, strange)).toThrow(/RouteMatch.*"new" is unknown/);
  const config = {
    virtualHosts: [{ name: "b", domains: ["*"], typedPerFilterConfig: { "envoy.filters.http.cors": { new: 1 } } }],
  };
  expect(() => encodeResource(ROUTE_TYPE, config)).toThrow(/CorsPolicy.*"new" is unknown/);
  const enumeration = { name: "a", lbPolicy: "NEWEST" };
  expect(() => encodeResource(CLUSTER_TYPE, enumeration)).toThrow(/NEWEST/);
});
