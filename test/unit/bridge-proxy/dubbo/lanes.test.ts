import { describe, expect, test } from "vitest";
import type { HostAuthz } from "../../../../src/bridge-proxy/authz/gate.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import {
  createLane as createLaneOf,
  isPlain,
  Lanes,
  laneOfGroup,
  mayCallBack,
} from "../../../../src/bridge-proxy/dubbo/lanes.ts";
import { hostOf, tagOf } from "../../../../src/bridge-proxy/dubbo/resolve.ts";
import { RouteTable } from "../../../../src/bridge-proxy/route.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { Cluster, type HostPools } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { GENERIC_DESCRIPTOR, RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import type { Value } from "../../../../src/codecs/value.ts";
import { TRESTLE_METADATA } from "../../../../src/codecs/xds/core.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import { clusterName, clusterOf, endpointsOf, routesOf, type TestEndpoint } from "../../../support/xds-fixtures.ts";

const KEY = "com.acme.A:1.0.0";
const pool = { host: (address: string, port: number) => ({ address, port }), version: 0 };
const pools = { dubbo: pool, tri: pool } as unknown as HostPools;
const context = { limits: { maxCallMs: 600_000 } } as unknown as ProxyContext;
const createLane = (config: RuntimeConfig, of: ProxyContext, head: RequestHead) =>
  createLaneOf(config, of, head, peerFrom("10.0.0.1"));

function configOf(
  routes: readonly Route[],
  endpoints: readonly TestEndpoint[] = [{ port: 1 }],
  extra = {},
): RuntimeConfig {
  const cluster = new Cluster(clusterOf(KEY, "", extra), endpointsOf(KEY, "", endpoints), pools);
  return {
    routes: new RouteTable(routesOf({ [KEY]: routes }), () => cluster),
    applicationOf: () => undefined,
    tagOf: () => "",
    callerOf: () => undefined,
    schemaOf: () => undefined,
    classes: () => compileJava({ methods: [], types: {} }),
  };
}

const all: Route = { match: { prefix: "/" }, route: { cluster: clusterName(KEY) } };

function frameOf(
  method: string,
  attachments: Record<string, Value> = {},
  args: readonly Value[] = [],
  descriptor = "",
): Buffer {
  return encodeRequest({
    idHigh: 1,
    idLow: 2,
    twoWay: true,
    interface: "com.acme.A",
    group: "",
    version: "1.0.0",
    method,
    descriptor,
    args,
    attachments,
  });
}

function headOf(frame: Buffer): RequestHead {
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  return head;
}

describe("a lane", () => {
  const config = configOf([all]);
  const lanes = new Lanes();
  lanes.add(createLane(config, context, headOf(frameOf("get", { timeout: "1500" }))));
  lanes.add(createLane(config, context, headOf(frameOf("set", { timeout: 2_500 }))));

  test("is found again for calls that start alike, whatever follows", () => {
    const frame = frameOf("get", { other: "x" }, [5], "I");
    expect(lanes.find(config, frame, 0, frame.length)).toMatchObject({ callerTimeoutMs: 1_500, plain: true });
    const padded = Buffer.concat([Buffer.alloc(7), frameOf("set")]);
    expect(lanes.find(config, padded, 7, padded.length)?.callerTimeoutMs).toBe(2_500);
  });

  test.each(["gets", "ge", "Get", "other"])("is not found for method %s", (method) => {
    const frame = frameOf(method);
    expect(lanes.find(config, frame, 0, frame.length)).toBeUndefined();
  });

  test("is not found in a frame that ends within its head, at whatever byte", () => {
    const frame = frameOf("get");
    const { methodEnd } = headOf(frame);
    for (let end = HEADER_BYTES; end < methodEnd; end++)
      expect(lanes.find(config, frame, 0, end), String(end)).toBeUndefined();
  });

  test("is stale once another configuration is in force", () => {
    const frame = frameOf("get");
    expect(lanes.find(configOf([all]), frame, 0, frame.length)).toBeUndefined();
    expect(lanes.find(config, frame, 0, frame.length)).toBeUndefined();
  });

  test("of a name that is not all ASCII is never compared", () => {
    const frame = frameOf("gét");
    lanes.add(createLane(config, context, headOf(frame)));
    expect(lanes.find(config, frame, 0, frame.length)).toBeUndefined();
  });

  test("keeps a bounded number", () => {
    const many = new Lanes();
    for (let i = 0; i < 1_000; i++) many.add(createLane(config, context, headOf(frameOf(`m${i}`))));
    const [first, last] = [frameOf("m0"), frameOf("m999")];
    expect(many.find(config, first, 0, first.length)).toBeUndefined();
    expect(many.find(config, last, 0, last.length)).toBeDefined();
  });
});

describe("a call is carried without reading on", () => {
  const rows: [string, boolean, readonly Route[], (readonly TestEndpoint[])?, object?][] = [
    ["with one plain route", true, [all]],
    ["with a time-out", true, [{ ...all, route: { cluster: "c", timeout: "1s" } }]],
    [
      "with weights",
      true,
      [
        {
          match: { prefix: "/" },
          route: {
            weightedClusters: {
              clusters: [
                { name: "a", weight: 1 },
                { name: "b", weight: 1 },
              ],
            },
          },
        },
      ],
    ],
    ["with retries", false, [{ ...all, route: { cluster: "c", retryPolicy: { retryOn: "5xx", numRetries: 1 } } }]],
    [
      "with a header to match",
      false,
      [{ ...all, match: { prefix: "/", headers: [{ name: "x", presentMatch: true }] } }, all],
    ],
    ["with a header to set", false, [{ ...all, requestHeadersToRemove: ["x"] }]],
    ["with a direct response", false, [{ match: { prefix: "/" }, directResponse: { status: 503 } }]],
    ["with endpoints that differ by tag", false, [all], [{ port: 1 }, { port: 2, tag: "gray" }]],
    [
      "with one token for all",
      true,
      [all],
      [
        { port: 1, token: "t" },
        { port: 2, token: "t" },
      ],
    ],
    [
      "with a token each",
      false,
      [all],
      [
        { port: 1, token: "t" },
        { port: 2, token: "u" },
      ],
    ],
    ["with a limit of calls", false, [all], [{ port: 1 }], { maxRequests: 5 }],
    ["with a callback parameter", false, [all], [{ port: 1 }], { callbackMethods: ["get"] }],
  ];
  test.each(rows)("%s: %s", (_, plain, routes, endpoints, extra) => {
    expect(createLane(configOf(routes, endpoints, extra), context, headOf(frameOf("get"))).plain).toBe(plain);
  });

  test("not to another service, whose names have to be written in", () => {
    const lane = createLane(configOf([all]), context, headOf(frameOf("get")));
    expect(isPlain(lane.route!, { interface: "com.acme.B", group: "", version: "1.0.0" })).toBe(false);
    expect(mayCallBack(lane.route!, "get")).toBe(false);
  });
});

test("a caller's time-out is at most the longest that calls are kept, and that where it says none", () => {
  const config = configOf([all]);
  expect(createLane(config, context, headOf(frameOf("a", { timeout: "99999999" }))).callerTimeoutMs).toBe(600_000);
  expect(createLane(config, context, headOf(frameOf("a"))).callerTimeoutMs).toBe(600_000);
});

test("a call of a group that is not known means no service, though another group is", () => {
  const config = configOf([all]);
  const head = headOf(frameOf("get", { group: "h" }));
  const lane = createLane(config, context, head);
  expect([lane.plain, lane.host, hostOf(lane, head)]).toEqual([false, undefined, undefined]);
});

test("a generic call is of the method that it names", () => {
  const config = configOf([all]);
  const head = headOf(frameOf("$invoke", {}, ["get", null, null], GENERIC_DESCRIPTOR));
  const lane = createLane(config, context, head);
  expect([lane.plain, lane.host]).toEqual([false, undefined]);
  expect(hostOf(lane, head)?.method).toBe("get");
});

test("tags are read from the attachments", () => {
  expect(tagOf(headOf(frameOf("get", { "dubbo.tag": "gray", "dubbo.force.tag": "true" })))).toEqual({
    tag: "gray",
    tagForced: true,
  });
  expect(tagOf(headOf(frameOf("get")))).toEqual({ tag: "", tagForced: false });
});

test("a beginning that is longer than real ones is worked out each time, not kept", () => {
  const config = configOf([all]);
  const lanes = new Lanes();
  for (const [length, kept] of [
    [300, true],
    [600, false],
  ] as const) {
    // In the two-byte form of lengths, which a lane's beginning is looked up in.
    const text = Buffer.concat([Buffer.of(0x30 + (length >> 8), length & 0xff), Buffer.alloc(length, "x")]);
    const short = frameOf("m");
    const at = short.indexOf(Buffer.from("\x01m"));
    const frame = Buffer.concat([short.subarray(0, at), text, short.subarray(at + 2)]);
    lanes.add(createLane(config, context, headOf(frame)));
    expect(lanes.find(config, frame, 0, frame.length) !== undefined, `${length}`).toBe(kept);
  }
});

test("a method named $invoke is read each time: its parameter types tell whether the call is generic", () => {
  const lane = createLane(configOf([all]), context, headOf(frameOf("$invoke", {}, ["x"], "Ljava/lang/String;")));
  expect(lane).toMatchObject({ host: undefined, plain: false });
});

test("where every group is served under policies, a call has the lane of its own group, also beside others that begin alike", () => {
  const service = { interface: "*", group: "", version: "", host: "inbound|20880||", subset: "" };
  const metadata = { filterMetadata: { [TRESTLE_METADATA]: service } };
  const cluster = new Cluster({ ...clusterOf(KEY), metadata }, endpointsOf(KEY, "", [{ port: 1 }]), pools);
  const virtualHost = { name: "in", domains: ["*"], routes: [all], typedPerFilterConfig: { guard: {} } as object };
  const open = configOf([all]);
  const guarded = (policies: boolean): RuntimeConfig => ({
    ...open,
    routes: new RouteTable(
      { name: "in", virtualHosts: [virtualHost] },
      () => cluster,
      policies ? () => ({}) as HostAuthz : undefined,
    ),
  });
  const config = guarded(true);
  const head = (group: string) => headOf(frameOf("get", group === "" ? {} : { group }));
  const first = createLane(config, context, head("a"));
  const lanes = new Lanes();
  lanes.add(first);
  expect(laneOfGroup(first, head("a"))).toBe(first);
  for (const group of ["b", ""]) {
    expect(laneOfGroup(first, head(group))).toBeUndefined();
    const other = createLane(config, context, head(group));
    lanes.add(other, first);
    expect(other.host?.host.key.group).toBe(group);
    expect(other.passed).not.toBe(first.passed);
    expect(laneOfGroup(first, head(group))).toBe(other);
  }
  const frame = frameOf("get");
  expect(lanes.find(config, frame, 0, frame.length)).toBe(first);
  for (let i = 0; i < 100; i++) lanes.add(createLane(config, context, head(`g${i}`)), first);
  expect(first.others.size).toBeLessThanOrEqual(16);
  // Nobody asks for the group where nobody is refused.
  const plain = createLane(guarded(false), context, head("a"));
  expect(laneOfGroup(plain, head("b"))).toBe(plain);
});
