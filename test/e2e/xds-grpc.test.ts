import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type CallCounts,
  grpcXdsClients,
  type LabelServer,
  startLabelServer,
  startXdsCaller,
  startXdsGoServer,
  type XdsCaller,
} from "../support/grpc-xds.ts";
import { requireNamespace } from "../support/netns.ts";
import { freePorts } from "../support/ports.ts";
import { eventually, stopAll } from "../support/process.ts";
import { startXdsStage, type World, type XdsStage } from "../support/xds-stage.ts";

// gRPC's own xDS clients in three languages, with no proxy at all: rules hold in the client.
const RELAY = "com.acme.Relay";
let stage: XdsStage;
const servers: LabelServer[] = [];

beforeAll(async () => {
  requireNamespace();
  for (const label of ["one", "two", "three"]) servers.push(await startLabelServer(label));
  stage = await startXdsStage("127.0.0.1", world("", [0, 1]));
});

afterAll(async () => {
  await stopAll();
  await stage?.close();
  for (const server of servers) server.kill();
});

/** Server `one` is subset v1, `two` v2, `three` v3; those of `which` are there. */
function world(rules: string, which: readonly number[] = [0, 1]): World {
  return { services: { [RELAY]: which.map((i) => `tri://127.0.0.1:${servers[i]!.port}?v=${i + 1}`) }, rules };
}

const port = () => Math.min(...servers.slice(0, 2).map((server) => server.port));
const subsets = (policy = "") => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: relay}
spec:
  host: ${RELAY}
  subsets: [{name: v1, labels: {v: "1"}}, {name: v2, labels: {v: "2"}}]${policy === "" ? "" : `\n  trafficPolicy: {${policy}}`}
---`;
const rule = (http: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: relay}
spec:
  hosts: [${RELAY}]
  http: [${http}]
---${subsets()}`;
const to = (subset: string, weight = 100) => `{destination: {host: ${RELAY}, subset: ${subset}}, weight: ${weight}}`;
const labels = ({ answers, errors, texts }: CallCounts) => ({
  ...answers,
  ...(Object.keys(errors).length > 0 && { errors, texts }),
});

describe.each(grpcXdsClients)("gRPC's client in %s", (client) => {
  let caller: XdsCaller;

  beforeAll(async () => {
    await stage.apply(world(""));
    caller = await startXdsCaller(client, `127.0.0.1:${stage.port}`, `xds:///${RELAY}:${port()}`);
  });

  afterAll(async () => {
    await caller?.stop();
  });

  /** Until a rule is in force where calls are made. */
  const inForce = (
    wanted: Readonly<Record<string, number>>,
    path: string,
    headers?: Readonly<Record<string, string>>,
  ) =>
    eventually("the rule is in force", async () => {
      const counts = labels(await caller.call({ path, count: 4, ...(headers && { headers }) }));
      return JSON.stringify(counts) === JSON.stringify(wanted);
    });
  const refusals = () =>
    stage.server
      .clients()
      .flatMap(({ node, types }) =>
        types.flatMap(({ typeUrl, refusal }) =>
          node === `${client}-client` && refusal !== undefined ? [`${typeUrl}: ${refusal.message}`] : [],
        ),
      );

  test("finds its servers by xds:///host:port, and calls them in turn", async () => {
    const { answers, errors } = await caller.call({ path: "/com.acme.Relay/Say", count: 100, deadlineMs: 20_000 });
    expect([Object.keys(answers).sort(), errors]).toEqual([["one", "two"], {}]);
    expect(answers["one"]).toBeGreaterThan(20);
    expect(answers["two"]).toBeGreaterThan(20);
  });

  test("1,000 calls are shared 80 to 20", async () => {
    await stage.apply(world(rule(`{route: [${to("v1")}]}`)));
    await inForce({ one: 4 }, "/com.acme.Relay/Say");
    await stage.apply(world(rule(`{route: [${to("v1", 80)}, ${to("v2", 20)}]}`)));
    await eventually(
      "both are called",
      async () => (await caller.call({ path: "/com.acme.Relay/Say", count: 50 })).answers["two"] !== undefined,
    );
    const { answers, errors } = await caller.call({ path: "/com.acme.Relay/Say", count: 1_000 });
    expect(errors).toEqual({});
    expect(answers["one"]! + answers["two"]!).toBe(1_000);
    // Four standard deviations are 51.
    expect(Math.abs(answers["two"]! - 200)).toBeLessThan(60);
  });

  test("methods and headers choose, also by what is not there", async () => {
    const byMethod = `{match: [{method: {exact: Sum}}], route: [${to("v2")}]}`;
    const byHeader = `{match: [{headers: {color: {prefix: bl}}}], route: [${to("v2")}]}`;
    const without = `{match: [{withoutHeaders: {plain: {exact: "no"}}, headers: {check: {regex: "[0-9]+"}}}], route: [${to("v2")}]}`;
    await stage.apply(world(rule(`${byMethod}, ${byHeader}, ${without}, {route: [${to("v1")}]}`)));
    await inForce({ two: 4 }, "/com.acme.Relay/Sum");
    const say = async (headers: Readonly<Record<string, string>>) =>
      labels(await caller.call({ path: "/com.acme.Relay/Say", headers, count: 4 }));
    expect(await say({})).toEqual({ one: 4 });
    expect(await say({ color: "blue" })).toEqual({ two: 4 });
    expect(await say({ color: "green" })).toEqual({ one: 4 });
    expect(await say({ check: "12" })).toEqual({ two: 4 });
    expect(await say({ check: "12", plain: "yes" })).toEqual({ two: 4 });
    expect(await say({ check: "12", plain: "no" })).toEqual({ one: 4 });
    expect(await say({ check: "x" })).toEqual({ one: 4 });
    expect(refusals()).toEqual([]);
  });

  test("faults are injected and time limits hold", async () => {
    const fault = `{match: [{method: {exact: Sum}}], fault: {abort: {grpcStatus: RESOURCE_EXHAUSTED}}, route: [${to("v1")}]}`;
    const late = `{match: [{method: {exact: Wait}}], timeout: 0.3s, route: [${to("v1")}]}`;
    await stage.apply(world(rule(`${fault}, ${late}, {route: [${to("v1")}]}`)));
    await eventually(
      "the rule is in force",
      async () => (await caller.call({ path: "/com.acme.Relay/Sum", count: 4 })).errors["8"] === 4,
    );
    const { errors } = await caller.call({ path: "/com.acme.Relay/Wait", headers: { "x-wait": "3000" }, count: 4 });
    expect(errors).toEqual({ 4: 4 });
    expect(labels(await caller.call({ path: "/com.acme.Relay/Say", count: 4 }))).toEqual({ one: 4 });
  });

  test("a hash of a header keeps its server", async () => {
    const ring = `${subsets("loadBalancer: {consistentHash: {httpHeaderName: user}}")}`;
    await stage.apply(world(ring));
    const of = async (user: string) =>
      Object.keys(labels(await caller.call({ path: "/com.acme.Relay/Say", headers: { user }, count: 10 })));
    await eventually("the ring is in force", async () => {
      const seen = await Promise.all(["a", "b", "c", "d", "e", "f", "g", "h"].map(of));
      return seen.every((one) => one.length === 1) && new Set(seen.flat()).size === 2;
    });
    expect(refusals()).toEqual([]);
  });

  test("servers that come and go are followed", async () => {
    await stage.apply(world("", [2]));
    await eventually(
      "the third alone is called",
      async () =>
        JSON.stringify(labels(await caller.call({ path: "/com.acme.Relay/Say", count: 8 }))) === '{"three":8}',
    );
    await stage.apply(world("", [0, 1]));
    await eventually("the first two are back", async () => {
      const { answers } = await caller.call({ path: "/com.acme.Relay/Say", count: 20 });
      return answers["one"] !== undefined && answers["two"] !== undefined && answers["three"] === undefined;
    });
    expect(refusals()).toEqual([]);
  });
});

test("a gRPC server in Go takes its listener and serves", async () => {
  const [at] = await freePorts(1);
  const server = await startXdsGoServer(`127.0.0.1:${stage.port}`, `127.0.0.1:${at}`);
  expect(server.said).toContain('"mode":"SERVING","error":""');
  await stage.apply({ services: { "com.acme.Go": [`tri://127.0.0.1:${at}`] } });
  const caller = await startXdsCaller("go", `127.0.0.1:${stage.port}`, `xds:///com.acme.go:${at}`);
  expect(labels(await caller.call({ path: "/com.acme.Go/Any", count: 5 }))).toEqual({ go: 5 });
  await caller.stop();
  await server.stop();
});
