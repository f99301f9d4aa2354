import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { DeltaRequest, SotwRequest, XdsRequest, XdsResponse } from "../../../../src/codecs/xds/discovery.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  resourceBytes,
} from "../../../../src/codecs/xds/discovery-bytes.ts";
import { decodeMessage } from "../../../../src/codecs/xds/resource-bytes.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE } from "../../../../src/codecs/xds/resources.ts";
import { xdsMessage } from "../../../../src/codecs/xds/types.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const textHex = (text: string): string => Buffer.from(text).toString("hex");
const NODE = {
  id: "sidecar~10.0.0.1~a~b",
  cluster: "c",
  metadata: { NAMESPACE: "shop", LABELS: { app: "a" } },
  locality: { region: "eu", zone: "eu-1" },
  userAgentName: "envoy",
  userAgentVersion: "",
};
const SOTW: SotwRequest = {
  variant: "sotw",
  typeUrl: CLUSTER_TYPE,
  nonce: "n1",
  version: "v1",
  names: ["a", "b"],
  node: NODE,
  error: { code: 3, message: "no" },
};
const DELTA: DeltaRequest = {
  variant: "delta",
  typeUrl: ENDPOINT_TYPE,
  nonce: "",
  node: NODE,
  subscribe: ["*"],
  unsubscribe: ["a"],
  initialVersions: { a: "1" },
};
const RESPONSE: XdsResponse = {
  typeUrl: CLUSTER_TYPE,
  version: "v",
  nonce: "n",
  resources: [{ name: "a", version: "1", resource: { name: "a", type: "EDS", lbPolicy: "RANDOM" } }],
  removed: ["b"],
};

describe("messages of an xDS stream", () => {
  test.each([SOTW, DELTA])("a $variant request comes back as it was", (request) => {
    expect(decodeRequest(request.variant, encodeRequest(request))).toEqual(request);
  });

  test("a request of few fields, by hand", () => {
    const bytes = Buffer.from(`0a0131${"1a0161"}2202${textHex("t/")}2a0132`, "hex");
    expect(decodeRequest("sotw", bytes)).toEqual({
      variant: "sotw",
      typeUrl: "t/",
      nonce: "2",
      version: "1",
      names: ["a"],
    });
  });

  test("the version of a client's build is its user agent's", () => {
    // node 2: user_agent_name 6, user_agent_build_version 8: version 1: major 1, minor 2, patch 3
    const bytes = Buffer.from("120f32056772706320" + "42060a0408011002", "hex");
    expect(decodeRequest("sotw", bytes).node).toMatchObject({ userAgentName: "grpc ", userAgentVersion: "1.2.0" });
  });

  test("an answer's details may be of any type", () => {
    // error_detail 6: message 2 "x", details 3: an Any of no known type
    const bytes = Buffer.from("320a" + "120178" + "1a050a03782f79", "hex");
    expect(decodeRequest("sotw", bytes).error).toEqual({ code: 0, message: "x" });
  });

  test("an answer that is read at a glance is what protobuf reads", () => {
    const answers: XdsRequest[] = [
      {
        variant: "delta",
        typeUrl: CLUSTER_TYPE,
        nonce: "17",
        subscribe: ["a", "x".repeat(300)],
        unsubscribe: ["b"],
        initialVersions: {},
      },
      { variant: "delta", typeUrl: CLUSTER_TYPE, nonce: "", subscribe: ["é"], unsubscribe: [], initialVersions: {} },
      { variant: "sotw", typeUrl: CLUSTER_TYPE, nonce: "3", version: "v", names: ["*", "y".repeat(129)] },
      { variant: "sotw", typeUrl: "", nonce: "", version: "", names: [] },
    ];
    for (const one of answers) expect(decodeRequest(one.variant, encodeRequest(one))).toEqual(one);
    expect(() => decodeRequest("delta", Buffer.from("12ff", "hex"))).toThrow(ProtocolError);
    expect(() => decodeRequest("delta", Buffer.from("1205616263", "hex"))).toThrow(ProtocolError);
  });

  test("one response to many clients differs in its nonce alone", () => {
    const [one, other] = ["1", "2"].map((nonce) => encodeResponse("delta", { ...RESPONSE, nonce }));
    expect(decodeResponse("delta", other!)).toEqual({ ...decodeResponse("delta", one!), nonce: "2" });
    const less = encodeResponse("delta", { ...RESPONSE, removed: [] });
    expect(decodeResponse("delta", less).removed).toEqual([]);
  });

  test("a delta response, by hand", () => {
    const cluster = "0a0161" + "1003" + "3003";
    const url = Buffer.from(CLUSTER_TYPE);
    const any = `0a${url.length.toString(16)}${url.toString("hex")}1207${cluster}`;
    const anyBytes = any.length / 2;
    const resource = `0a0131${"12"}${anyBytes.toString(16)}${any}1a0161`;
    expect(hex(encodeResponse("delta", RESPONSE))).toBe(
      `0a0176${"12"}${(resource.length / 2).toString(16)}${resource}22${url.length.toString(16)}${url.toString("hex")}2a016e320162`,
    );
  });

  test.each(["sotw", "delta"] as const)("a %s response is one by the protos", (variant) => {
    const type = variant === "sotw" ? "DiscoveryResponse" : "DeltaDiscoveryResponse";
    const json = decodeMessage(xdsMessage(`envoy.service.discovery.v3.${type}`), encodeResponse(variant, RESPONSE));
    const cluster = { "@type": CLUSTER_TYPE, name: "a", type: "EDS", lbPolicy: "RANDOM" };
    expect(json).toEqual(
      variant === "sotw"
        ? { versionInfo: "v", resources: [cluster], typeUrl: CLUSTER_TYPE, nonce: "n" }
        : {
            systemVersionInfo: "v",
            resources: [{ name: "a", version: "1", resource: cluster }],
            typeUrl: CLUSTER_TYPE,
            nonce: "n",
            removedResources: ["b"],
          },
    );
  });

  test.each(["sotw", "delta"] as const)("a %s response comes back as it was", (variant) => {
    const resources = RESPONSE.resources.map((one) => (variant === "sotw" ? { ...one, version: "" } : one));
    const removed = variant === "sotw" ? [] : RESPONSE.removed;
    expect(decodeResponse(variant, encodeResponse(variant, RESPONSE))).toEqual({ ...RESPONSE, resources, removed });
  });

  test("a long resource has a length of several bytes", () => {
    const name = "x".repeat(20_000);
    const response = { ...RESPONSE, resources: [{ name, version: "1", resource: { name } }] };
    expect(decodeResponse("delta", encodeResponse("delta", response)).resources[0]?.name).toBe(name);
    expect(resourceBytes("delta", CLUSTER_TYPE, response.resources[0]!)).toBeGreaterThan(40_000);
  });

  test("a resource that is not of its type is named", () => {
    const response = { ...RESPONSE, resources: [{ name: "bad", version: "1", resource: { nmae: 1 } }] };
    expect(() => encodeResponse("delta", response)).toThrow(/^envoy.config.cluster.v3.Cluster bad: .*nmae/);
  });

  test("every cut of a response is a fault of the protocol or a shorter response", () => {
    const bytes = encodeResponse("delta", RESPONSE);
    let faults = 0;
    for (let end = 0; end < bytes.length; end++) {
      try {
        decodeResponse("delta", bytes.subarray(0, end));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        faults++;
      }
    }
    expect(faults).toBeGreaterThan(bytes.length / 2);
  });

  const broken: readonly (readonly [string, string])[] = [
    ["a length that is a lie", "12ffffffff0f00"],
    ["a number without an end", "08ffffffffffffffffffff"],
    ["a group", "0b"],
    ["a fixed number that is cut off", "0d0000"],
    ["a resource of another type than the response", "120c12080a03782f791201611a0161"],
  ];
  test.each(broken)("%s is a fault of the protocol", (_name, bytes) => {
    expect(() => decodeResponse("delta", Buffer.from(bytes, "hex"))).toThrow(ProtocolError);
  });

  test("a request that is cut off is a fault of the protocol", () => {
    expect(() => decodeRequest("delta", Buffer.from("0a05", "hex"))).toThrow(ProtocolError);
    expect(() => decodeRequest("sotw", Buffer.from("1a02ff", "hex"))).toThrow(ProtocolError);
  });
});
