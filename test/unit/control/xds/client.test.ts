import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/log.ts";
import type { ServedSet } from "../../../../src/codecs/xds/served.ts";
import { XdsClient } from "../../../../src/control/xds/client.ts";
import { createXdsMetrics } from "../../../../src/control/xds/metrics.ts";
import { answer, FakePipe, requestBytes } from "../../../support/xds-pipe.ts";
import { NODE, servedSet, TYPES } from "../../../support/xds-playbook.ts";

function open(first: ServedSet | undefined | (() => never), identity?: string) {
  const clock = new ManualClock();
  const metrics = createXdsMetrics();
  const pipe: FakePipe & { identity?: string } = new FakePipe();
  if (identity !== undefined) pipe.identity = identity;
  const warnings: string[] = [];
  const turns: XdsClient[] = [];
  let set = first;
  const client = new XdsClient("delta", undefined, pipe, {
    source: { resourcesFor: () => (typeof set === "function" ? set() : set) },
    clock,
    log: {
      ...silentLogger,
      warn: (text, fields) => void warnings.push(`${text} ${fields?.["error"] ?? fields?.["reason"]}`),
    },
    metrics,
    answerMs: 1_000,
    wantsTurn: (one) => void turns.push(one),
  });
  return { clock, metrics, pipe, warnings, turns, client, give: (next: ServedSet) => (set = next) };
}

describe("one client of the xDS server", () => {
  test("it waits for its turn, and is sent what it asks for from then on", () => {
    const { client, pipe, turns } = open(servedSet({ CDS: "a1", EDS: "a1" }));
    client.receive(requestBytes("CDS"));
    expect([turns, pipe.lines]).toEqual([[client], []]);
    client.refresh();
    expect(pipe.lines).toEqual(["CDS a1"]);
    client.receive(requestBytes("EDS", { subscribe: ["a"] }));
    answer(client, pipe);
    expect(pipe.lines).toEqual(["CDS a1", "EDS a1"]);
  });

  test("a client that says another namespace than that of its certificate is ended, and told why", () => {
    const { client, pipe, turns, warnings } = open(servedSet({ CDS: "a1" }), "spiffe://cluster.local/ns/shop/sa/a");
    client.receive(requestBytes("CDS", { node: { ...NODE, metadata: { NAMESPACE: "edge" } } }));
    expect(pipe.ended).toMatch(/^7 the node says that it is of namespace "edge"/);
    expect([turns, warnings.length]).toEqual([[], 1]);
    const own = open(servedSet({ CDS: "a1" }), "spiffe://cluster.local/ns/shop/sa/a");
    own.client.receive(requestBytes("CDS", { node: { ...NODE, metadata: {} } }));
    expect(own.client.node?.metadata).toEqual({ NAMESPACE: "shop" });
  });

  test("while it takes no more, nothing is sent, and then the newest", () => {
    const { client, pipe, give } = open(servedSet({ CDS: "a1" }));
    client.receive(requestBytes("CDS"));
    pipe.takesMore = false;
    client.refresh();
    answer(client, pipe);
    for (const version of ["2", "3", "4"]) {
      give(servedSet({ CDS: `a${version}` }));
      client.refresh();
    }
    expect(pipe.lines).toEqual(["CDS a1"]);
    client.drained();
    expect(pipe.lines).toEqual(["CDS a1", "CDS a4"]);
  });

  test("what it refuses is kept with the rules of it, logged once, and forgotten when it accepts", () => {
    const origin = { rule: "default/orders", file: "rules/a.yaml", line: 3 };
    const route = { match: { prefix: "/" }, metadata: { filterMetadata: { "io.trestle": origin } } };
    const routes = (version: string): ServedSet => ({
      version,
      types: new Map([
        [
          TYPES["RDS"]!,
          [
            {
              name: "r",
              version,
              resource: { name: "r", virtualHosts: [{ name: "h", domains: ["*"], routes: [route] }] },
            },
          ],
        ],
      ]),
    });
    const { client, pipe, warnings, give, metrics } = open(routes("1"));
    client.receive(requestBytes("RDS", { subscribe: ["r"] }));
    client.refresh();
    answer(client, pipe, "no such cluster");
    expect(client.refusals.get(TYPES["RDS"]!)).toMatchObject({
      names: ["r"],
      message: "no such cluster",
      origins: [origin],
    });
    give(routes("2"));
    client.refresh();
    answer(client, pipe, "no such cluster");
    expect(warnings).toEqual(["a client refused resources no such cluster"]);
    expect(metrics.expose()).toContain('pilot_total_xds_rejects{type="rds"} 2');
    give(routes("3"));
    client.refresh();
    answer(client, pipe);
    expect(client.refusals.size).toBe(0);
  });

  test("a client that never answers is ended, one that answers is not", () => {
    const one = open(servedSet({ CDS: "a1" }));
    one.client.receive(requestBytes("CDS"));
    one.client.refresh();
    one.clock.advance(999);
    expect(one.pipe.ended).toBeUndefined();
    one.clock.advance(1);
    expect(one.pipe.ended).toBe("4 a response was not answered within 1000 ms");
    const other = open(servedSet({ CDS: "a1" }));
    other.client.receive(requestBytes("CDS"));
    other.client.refresh();
    answer(other.client, other.pipe);
    other.clock.advance(10_000);
    expect(other.pipe.ended).toBeUndefined();
  });

  test("a stream without a request is ended", () => {
    const { clock, pipe } = open(servedSet({ CDS: "a1" }));
    clock.advance(1_000);
    expect(pipe.ended).toBe("4 no request within 1000 ms");
  });

  test("convergence counts for those that were sent something", () => {
    const { client, pipe, clock, metrics, give } = open(servedSet({ CDS: "a1" }));
    client.receive(requestBytes("CDS"));
    client.refresh();
    answer(client, pipe);
    give(servedSet({ CDS: "a1", EDS: "x1" }));
    client.refresh(clock.now());
    expect(metrics.expose()).not.toContain("pilot_proxy_convergence_time_count");
    give(servedSet({ CDS: "a2" }));
    client.refresh(clock.now());
    clock.advance(400);
    answer(client, pipe);
    expect(metrics.expose()).toContain('pilot_proxy_convergence_time_bucket{le="0.5"} 1');
    expect(metrics.expose()).toContain('pilot_proxy_convergence_time_bucket{le="0.1"} 0');
  });

  test("a resource that cannot be made into bytes is left out, and the others are sent", () => {
    const bad = { name: "b", version: "1", resource: { nmae: "b" } };
    const set = servedSet({ CDS: "a1" });
    const list = [...set.types.get(TYPES["CDS"]!)!, bad];
    const { client, pipe, metrics } = open({ version: "1", types: new Map([[TYPES["CDS"]!, list]]) });
    client.receive(requestBytes("CDS"));
    client.refresh();
    expect(pipe.lines).toEqual(["CDS a1"]);
    expect(metrics.expose()).toContain("pilot_total_xds_internal_errors 1");
  });

  const faults: readonly (readonly [string, Uint8Array, string])[] = [
    ["bytes that are no request", Buffer.from("ff", "hex"), "3 bytes are no DeltaDiscoveryRequest"],
    ["a request without a type", requestBytes("t"), "3 a request of a stream for all types has no type_url"],
    [
      "a node of great length",
      requestBytes("CDS", { node: { ...NODE, metadata: { a: "x".repeat(300_000) } } }),
      "8 a node's description is over 262144 characters",
    ],
    [
      "more names than there may be",
      requestBytes("EDS", { subscribe: Array.from({ length: 100_001 }, (_, i) => `${i}`) }),
      "8 a stream asks for 100001 names, over 100000",
    ],
  ];
  test.each(faults)("%s ends the stream", (name, bytes, message) => {
    const { client, pipe, warnings } = open(servedSet({}));
    client.receive(name.includes("without") ? requestBytes("") : bytes);
    expect(pipe.ended?.startsWith(message)).toBe(true);
    expect(warnings).toHaveLength(1);
    client.receive(requestBytes("CDS"));
    client.refresh();
    expect(pipe.lines).toEqual([]);
  });

  test("a source that fails ends that stream alone", () => {
    const { client, pipe } = open(() => {
      throw new Error("oops");
    });
    client.receive(requestBytes("CDS"));
    client.refresh();
    expect(pipe.ended).toBe("13 the server failed");
  });

  test("before there is anything it waits", () => {
    const { client, pipe, give } = open(undefined);
    client.receive(requestBytes("CDS"));
    client.refresh();
    expect(pipe.lines).toEqual([]);
    give(servedSet({ CDS: "a1" }));
    client.refresh();
    expect(pipe.lines).toEqual(["CDS a1"]);
  });
});
