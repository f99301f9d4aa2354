import { createHmac } from "node:crypto";
import { createServer, request, type Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLUSTER_TYPE, ROUTE_TYPE, VIRTUAL_HOST_TYPE } from "../../src/codecs/xds/resources.ts";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { answerCall, type FakeProvider, startFakeProvider } from "../support/fake-provider.ts";
import { type GrpcServer, grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, probeText, sleep, stopAll } from "../support/process.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { readCaseWorld } from "../support/rule-cases.ts";
import { keySet, signingKey, tokenOf } from "../support/tokens.ts";
import { startXdsEnvoy, startXdsStage, type World, type XdsEnvoy, type XdsStage } from "../support/xds-stage.ts";

// A stock Envoy that knows nothing but Trestle's xDS: what it is told is seen in calls of real peers.
const ORDERS = "com.acme.OrderService";
let stage: XdsStage;
let provider2: FakeProvider;
let consumer: Consumer;
const grpc: GrpcServer[] = [];
const http: Server[] = [];
const httpPorts: number[] = [];

/** Two of each: label `one` is subset v1, `two` is v2. Of the Dubbo providers the second is made of bytes. */
function services(): World["services"] {
  return {
    [ORDERS]: [`dubbo://${hosts.provider1}:20880?v=1`, `dubbo://127.0.0.1:${provider2.port}?v=2`],
    "com.acme.Relay": grpc.map(({ port }, i) => `tri://127.0.0.1:${port}?v=${i + 1}`),
    users: httpPorts.map((port, i) => `http://127.0.0.1:${port}?v=${i + 1}`),
  };
}

/** The rules of `fixtures/rules` that have every field which is told to other proxies: each client takes them. */
async function applyAllFields(): Promise<void> {
  const { services, rules } = readCaseWorld("all-fields");
  stage.spoil = undefined;
  // The file is on no host.
  await stage.apply({ services, rules: rules.replace(", caCertificates: /etc/ca.pem", "") });
  const states = stage.server.clients().flatMap(({ types }) => types);
  expect(states.filter(({ state }) => state === "error")).toEqual([]);
}

const subsets = (host: string, more = "") => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: subsets-of-${host.toLowerCase()}}
spec:
  host: ${host}
  subsets: [{name: v1, labels: {v: "1"}}, {name: v2, labels: {v: "2"}}]${more}
---`;
const virtualService = (host: string, http: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: rule-of-${host.toLowerCase()}}
spec:
  hosts: [${host}]
  http: ${http}
---`;
const to = (host: string, subset: string, weight = 100) =>
  `{destination: {host: ${host}, subset: ${subset}}, weight: ${weight}}`;
const all = (host: string, subset: string) => virtualService(host, `[{route: [${to(host, subset)}]}]`) + subsets(host);

beforeAll(async () => {
  requireNamespace();
  for (const label of ["one", "two"]) {
    grpc.push(await startGrpcServer(label));
    const server = createServer((asked, answer) => {
      const text = `${label} ${asked.url} ${asked.headers["x-added"] ?? ""}`.trim();
      setTimeout(() => answer.end(text), Number(asked.headers["x-wait"] ?? 0));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    http.push(server);
    httpPorts.push((server.address() as { port: number }).port);
  }
  provider2 = await startFakeProvider();
  provider2.onCall = (seen) => answerCall(seen, "two");
  stage = await startXdsStage("127.0.0.1", { services: services() });
  [, consumer] = await Promise.all([
    startProvider("3.3", { host: hosts.provider1, label: "one" }),
    startConsumer("3.3", { url: `dubbo://${hosts.provider1}:20880`, check: false }),
  ]);
});

afterAll(async () => {
  for (const server of http) server.close();
  for (const server of grpc) server.kill();
  await provider2?.close();
  await stage?.close();
  await stopAll();
});

interface Answer {
  readonly status: number;
  readonly location?: string;
  readonly text: string;
}

/** A request to a listener of an Envoy, under the name of a service. */
function askAt(
  bind: string,
  port: number,
  host: string,
  path = "/",
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: bind, port, path, headers: { host, ...headers }, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (text += part));
      const { location } = answer.headers;
      const said = { status: answer.statusCode ?? 0, ...(location !== undefined && { location }) };
      answer.on("end", () => resolve({ ...said, text }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

const usersPort = () => Math.min(...httpPorts);
const relayPort = () => Math.min(...grpc.map(({ port }) => port));

/** Bytes of all responses of a type so far. */
function sizes(type: string): number {
  const line = new RegExp(`pilot_xds_config_size_bytes_sum\\{type="${type}"\\} (\\d+)`);
  return Number(line.exec(stage.server.exposeMetrics())?.[1] ?? 0);
}

/** Which of `calls` went where. */
async function countOf(calls: number, one: () => Promise<string>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < calls; i++) {
    const label = await one();
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

describe.each([
  ["delta", hosts.trestle],
  ["state-of-the-world", hosts.relay],
] as const)("an Envoy as a sidecar, by %s", (mode, bind) => {
  let envoy: XdsEnvoy;
  let relay: Relay;
  const ask = (port: number, host: string, path?: string, headers?: Readonly<Record<string, string>>) =>
    askAt(bind, port, host, path, headers);
  const dubboLabel = async (method: string, arg?: unknown, attach?: Readonly<Record<string, string>>) =>
    String(await consumer.call(method, arg, attach, mode));

  beforeAll(async () => {
    stage.spoil = undefined;
    await stage.apply({ services: services() });
    relay = await startRelay(bind, 15_099, stage.host, stage.port);
    envoy = await startXdsEnvoy({
      nodeId: `sidecar~${bind}~${mode}~e2e`,
      server: relay,
      mode,
      settings: { bind },
    });
    await consumer.refer(mode, { url: `dubbo://${bind}:20880`, check: false, retries: 0, timeout: 5000 });
  });

  afterAll(async () => {
    await envoy.stop();
    await relay.stop();
  });

  test("HTTP calls go by the service's name, with the port and without; another name is not found", async () => {
    for (const host of ["users", `users:${usersPort()}`, "USERS"]) {
      expect(await ask(usersPort(), host, "/a")).toMatchObject({
        status: 200,
        text: expect.stringMatching(/^(one|two) \/a$/),
      });
    }
    expect((await ask(usersPort(), "nobody")).status).toBe(404);
  });

  test("HTTP rules hold: shares, headers, added headers, time limits, faults and rewrites", async () => {
    const wait = "{match: [{uri: {prefix: /wait}}], timeout: 0.3s, route: [" + to("users", "v1") + "]}";
    const fault = `{match: [{uri: {prefix: /fail}}], fault: {abort: {httpStatus: 418}}, route: [${to("users", "v1")}]}`;
    const header = `{match: [{headers: {color: {exact: blue}}}], headers: {request: {set: {x-added: "100%", Host: other.example.com}}}, route: [${to("users", "v2")}]}`;
    const rewrite = `{match: [{uri: {prefix: /old}}], rewrite: {uri: /new}, route: [${to("users", "v1")}]}`;
    const regex = `{match: [{uri: {regex: "/(?:[a-z]{20}|[0-9]{30})x{0,40}"}}], route: [${to("users", "v2")}]}`;
    const moved = "{match: [{uri: {prefix: /moved/}}], redirect: {prefixRewrite: /here/, authority: a.example.com}}";
    const rest = `{route: [${to("users", "v1", 80)}, ${to("users", "v2", 20)}]}`;
    const rules =
      virtualService("users", `[${[wait, fault, header, rewrite, regex, moved, rest].join(", ")}]`) + subsets("users");
    await stage.apply({ services: services(), rules });
    await eventually("the rule is in force", async () => (await ask(usersPort(), "users", "/fail")).status === 418);
    expect(await ask(usersPort(), "users", "/x", { color: "blue" })).toEqual({ status: 200, text: "two /x 100%" });
    expect((await ask(usersPort(), "users", "/wait", { "x-wait": "3000" })).status).toBe(504);
    expect((await ask(usersPort(), "users", "/old/1")).text).toBe("one /new/1");
    expect((await ask(usersPort(), "users", `/${"1".repeat(30)}xx`)).text).toMatch(/^two/);
    const location = "http://a.example.com/here/a?b=1";
    expect(await ask(usersPort(), "users", "/moved/a?b=1")).toMatchObject({ status: 301, location });
    const counts = await countOf(200, async () => (await ask(usersPort(), "users", "/y")).text.split(" ")[0]!);
    expect(counts["one"]! + counts["two"]!).toBe(200);
    expect(counts["two"]).toBeGreaterThan(10);
    expect(counts["two"]).toBeLessThan(80);
    expect(await envoy.rejected()).toEqual({});
  });

  test("gRPC calls go by their path where they name no service, and by rules of methods", async () => {
    const only = (subset: string) => `{match: [{method: {exact: Say}}], route: [${to("com.acme.Relay", subset)}]}`;
    const byHeader = `{match: [{headers: {x-to: {exact: two}}}], route: [${to("com.acme.Relay", "v2")}]}`;
    const rules =
      virtualService("com.acme.Relay", `[${only("v2")}, ${byHeader}, {route: [${to("com.acme.Relay", "v1")}]}]`) +
      subsets("com.acme.Relay");
    await stage.apply({ services: services(), rules });
    const client = grpcClient(`${bind}:${relayPort()}`);
    await eventually("the rule is in force", async () => (await client.say("x")).values[0] === "two: x");
    expect(await client.sum([1, 2])).toMatchObject({ code: 0, values: ["one: 3"] });
    expect((await client.count(50)).values).toHaveLength(50);
    expect((await client.sum([1], { metadata: { "x-to": ["no", "two"] } })).values).toEqual(["two: 1"]);
    expect((await client.sum([1], { metadata: { "x-to": "no,two" } })).values).toEqual(["one: 1"]);
    client.close();
    expect(await envoy.rejected()).toEqual({});
  });

  test("calls of a Dubbo application go by rules of methods, attachments and arguments", async () => {
    const byMethod = `{match: [{method: {exact: echoString}}], route: [${to(ORDERS, "v2")}]}`;
    const byAttachment = `{match: [{headers: {color: {exact: blue}}}], route: [${to(ORDERS, "v2")}]}`;
    const byArgument = `{match: [{method: {exact: sayHi}, headers: {dubbo-arg-0: {exact: Bo}}}], route: [${to(ORDERS, "v2")}]}`;
    const rest = `{route: [${to(ORDERS, "v1")}]}`;
    const rules =
      virtualService(ORDERS, `[${[byMethod, byAttachment, byArgument, rest].join(", ")}]`) + subsets(ORDERS);
    await stage.apply({ services: services(), rules });
    await eventually(
      "the rule is in force",
      async () => (await dubboLabel("echoString", "x").catch(() => "")) === "two",
    );
    expect(await dubboLabel("sleep", 1)).toBe("one");
    expect(await dubboLabel("sleep", 1, { color: "blue" })).toBe("two");
    expect(await dubboLabel("sayHi", "Bo")).toBe("two");
    expect(await dubboLabel("sayHi", "Al")).not.toBe("two");
    const stats = await envoy.stats("dubbo.*request(_twoway)?$");
    expect(Object.values(stats).some((count) => count >= 5)).toBe(true);
    expect(await envoy.rejected()).toEqual({});
  });

  test("Dubbo rules and endpoints change while calls go on, and none of them fails", async () => {
    await stage.apply({ services: services(), rules: all(ORDERS, "v1") });
    await eventually("the rule is in force", async () => (await dubboLabel("sleep", 1)) === "one");
    const loop = await consumer.loop({ methods: "sleep", threads: 4, delay: 2, ref: mode });
    for (let i = 0; i < 6; i++) {
      await stage.apply({ services: services(), rules: all(ORDERS, i % 2 === 0 ? "v2" : "v1") });
      await stage.apply({
        services: { ...services(), [`com.acme.Other${i}`]: ["dubbo://10.77.0.3:20880"] },
        rules: all(ORDERS, i % 2 === 0 ? "v2" : "v1"),
      });
      // Changes are taken faster than a busy core makes calls.
      await sleep(100);
    }
    const seen = provider2.calls;
    expect(seen).toBeGreaterThan(0);
    await eventually("calls are back at the first", async () => (await dubboLabel("sleep", 1)) === "one");
    const { calls, failed, errors } = await loop.stop();
    expect([failed, errors]).toEqual([0, []]);
    expect(calls).toBeGreaterThan(100);
    expect(await envoy.rejected()).toEqual({});
  });

  test("what Envoy's Dubbo filter cannot do is found, with the rule's place", async () => {
    const rules =
      virtualService(ORDERS, `[{timeout: 1s, retries: {attempts: 2}, route: [${to(ORDERS, "v1")}]}]`) + subsets(ORDERS);
    await stage.apply({ services: services(), rules });
    expect(stage.source.findings().map(({ code, at }) => [code, at.replace(/:.*/, "")])).toEqual([
      ["TR0701", "rules.yaml"],
      ["TR0702", "rules.yaml"],
    ]);
  });

  test("without a certificate nothing goes out where a rule asks for mutual TLS, and that is said", async () => {
    const rules = subsets("users", "\n  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}");
    await stage.apply({ services: services(), rules });
    await eventually("calls are refused", async () => (await ask(usersPort(), "users")).status === 503);
    expect(stage.source.findings()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: "TR0715", message: expect.stringContaining("outbound|") as string }),
      ]),
    );
    expect(await envoy.rejected()).toEqual({});
    await stage.apply({ services: services() });
    await eventually("calls go out again", async () => (await ask(usersPort(), "users")).status === 200);
    expect(stage.source.findings()).toEqual([]);
  });

  test("connection pools, outlier detection and every balancer are taken", async () => {
    const policies = [
      "loadBalancer: {simple: LEAST_REQUEST}, outlierDetection: {consecutive5xxErrors: 3, interval: 5s, baseEjectionTime: 5s}",
      "loadBalancer: {consistentHash: {httpHeaderName: user}}, connectionPool: {tcp: {connectTimeout: 1s, maxConnections: 50}}",
      "connectionPool: {http: {http1MaxPendingRequests: 10, http2MaxRequests: 100, maxRequestsPerConnection: 5, maxRetries: 3, idleTimeout: 30s}}",
      "loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 1009}}}",
      "loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 30s}}",
      "loadBalancer: {zoneAwareLbSetting: {enabled: true}}, retryBudget: {percent: 10, budgetInterval: 2s}",
    ];
    for (const policy of policies) {
      const rules = ["users", "com.acme.Relay", ORDERS]
        .map((host) => subsets(host, `\n  trafficPolicy: {${policy}}`))
        .join("");
      await stage.apply({ services: services(), rules });
      expect((await ask(usersPort(), "users", "/p", { user: "u" })).status).toBe(200);
    }
    expect(await envoy.dump("dynamic_active_clusters")).toContain('"budget_interval": "2s"');
    expect(await envoy.rejected()).toEqual({});
  });

  test("every field that is told to an Envoy is one that it takes", async () => {
    await applyAllFields();
    expect(await envoy.rejected()).toEqual({});
    expect(await envoy.dump("dynamic_active_clusters")).toContain('"error_matcher"');
  });

  test("bytes of other protocols go through, and all names of a wildcard", async () => {
    const echo = createTcpServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    const { port } = echo.address() as { port: number };
    const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db}
spec:
  hosts: [db.example.com]
  resolution: STATIC
  ports: [{number: 3306, name: sql, protocol: TCP, targetPort: ${port}}]
  endpoints: [{address: 127.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wide}
spec:
  hosts: ["*.wide.example"]
  resolution: STATIC
  ports: [{number: 8099, name: http, targetPort: ${httpPorts[0]}}]
  endpoints: [{address: 127.0.0.1}]
---`;
    await stage.apply({ services: services(), rules: entry });
    const text = await eventually("bytes come back", () => probeText(bind, 3306, "select 1").catch(() => ""));
    expect(text).toBe("select 1");
    for (const host of ["a.wide.example", "b.a.wide.example:8099"])
      expect(await ask(8099, host, "/w")).toEqual({ status: 200, text: "one /w" });
    expect((await ask(8099, "wide.example")).status).toBe(404);
    expect(await envoy.rejected()).toEqual({});
    echo.close();
  });

  test("each port of a service is a destination of its own", async () => {
    const [first, second] = [8097, 8098];
    const ports = [first, second].map(
      (number, i) => `{number: ${number}, name: http-${i}, protocol: HTTP, targetPort: ${httpPorts[i]}}`,
    );
    const calls = [8095, 8096].map(
      (number, i) => `{number: ${number}, name: grpc-${i}, protocol: GRPC, targetPort: ${grpc[i]!.port}}`,
    );
    const entryOf = (name: string, list: readonly string[]) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec:
  hosts: [${name}.example.com]
  resolution: STATIC
  ports: [${list.join(", ")}]
  endpoints: [{address: 127.0.0.1}]
---`;
    const entry = entryOf("ports", ports) + entryOf("calls", calls);
    const at = (port: number) => `route: [{destination: {host: ports.example.com, port: {number: ${port}}}}]`;
    await stage.apply({ services: services(), rules: entry });
    await eventually("both listen", () => ask(second, "ports.example.com", "/w").catch(() => undefined));
    for (const [port, label] of [
      [first, "one"],
      [second, "two"],
    ] as const)
      for (const host of ["ports.example.com", `ports.example.com:${port}`])
        expect(await ask(port, host, "/w")).toEqual({ status: 200, text: `${label} /w` });
    for (const [port, label] of [
      [8095, "one"],
      [8096, "two"],
    ] as const) {
      const client = grpcClient(`${bind}:${port}`, "calls.example.com");
      expect((await client.say("x")).values).toEqual([`${label}: x`]);
      client.close();
    }
    const rules = `[{match: [{port: ${second}, uri: {prefix: /first}}], ${at(first)}}, {match: [{uri: {prefix: /none}}], ${at(9999)}}, {route: [{destination: {host: ports.example.com}}]}]`;
    await stage.apply({ services: services(), rules: entry + virtualService("ports.example.com", rules) });
    expect((await ask(second, "ports.example.com", "/first/a")).text).toBe("one /first/a");
    expect((await ask(second, "ports.example.com", "/a")).text).toBe("two /a");
    expect((await ask(first, "ports.example.com", "/first/a")).text).toBe("one /first/a");
    expect((await ask(first, "ports.example.com", "/none")).status).toBe(503);
    expect(await envoy.dump("dynamic_active_clusters")).toContain(`outbound|${second}||ports.example.com"`);
    expect(await envoy.rejected()).toEqual({});
  });

  test("a change of one of many services sends that service's routes alone by delta, and no call is disturbed", async () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`many${i}`, services()["users"]!]));
    const rule = (value: number) =>
      virtualService("many7", `[{headers: {request: {set: {x-added: "v${value}"}}}, route: [${to("many7", "v1")}]}]`);
    const world = (names: readonly string[], value: number): World => ({
      services: { ...services(), ...Object.fromEntries(names.map((name) => [name, many[name]!])) },
      rules: rule(value) + subsets("many7"),
    });
    await stage.apply(world(["many7"], 0));
    await eventually("the service is there", async () => (await ask(usersPort(), "many7")).status === 200);
    const failed: string[] = [];
    let isOver = false;
    const calls = (async () => {
      while (!isOver) {
        const { status, text } = await ask(usersPort(), "many7");
        if (status !== 200) failed.push(`${status} ${text}`);
      }
    })();
    const sent: number[] = [];
    for (const names of [["many7"], Object.keys(many)]) {
      await stage.apply(world(names, 1));
      await eventually("the first value", async () => (await ask(usersPort(), "many7")).text.endsWith("v1"));
      const before = [sizes("rds"), sizes("vhds")] as const;
      await stage.apply(world(names, 2));
      await eventually("the second value", async () => (await ask(usersPort(), "many7")).text.endsWith("v2"));
      sent.push(sizes("rds") - before[0], sizes("vhds") - before[1]);
    }
    isOver = true;
    await calls;
    expect([failed, await envoy.rejected()]).toEqual([[], {}]);
    const [rds, vhds, rdsOfMany, vhdsOfMany] = sent;
    if (mode === "delta") {
      expect([rds, rdsOfMany]).toEqual([0, 0]);
      expect(Math.abs(vhdsOfMany! - vhds!)).toBeLessThan(10);
      const counts = await envoy.stats(`vhds\\.${usersPort()}\\.update_success`);
      expect(Object.values(counts)[0]).toBeGreaterThan(1);
    } else {
      expect([vhds, vhdsOfMany]).toEqual([0, 0]);
      expect(rdsOfMany! - rds!).toBeGreaterThan(60 * 50);
    }
  });

  test("one that comes again goes on with its routes, and by delta is sent none that it has", async () => {
    const rule = (value: number) =>
      virtualService("users", `[{headers: {request: {set: {x-added: "v${value}"}}}, route: [${to("users", "v1")}]}]`);
    const world = (value: number): World => ({ services: services(), rules: rule(value) + subsets("users") });
    await stage.apply(world(1));
    const before = sizes("rds") + sizes("vhds");
    const [peer] = stage.server.clients().map((one) => one.peer);
    relay.reset();
    const answers = new Set<number>();
    await eventually("it is there again", async () => {
      answers.add((await ask(usersPort(), "users")).status);
      const [client] = stage.server.clients();
      return client !== undefined && client.peer !== peer && client.types.length > 4;
    });
    await stage.apply(world(2));
    await eventually("the change", async () => (await ask(usersPort(), "users")).text.endsWith("v2"));
    expect([[...answers], await envoy.rejected()]).toEqual([[200], {}]);
    // By delta that is one host, and an answer without any.
    if (mode === "delta") expect(sizes("rds") + sizes("vhds") - before).toBeLessThan(800);
  });

  test("a name that goes from one service to another is never claimed by two", async () => {
    const web = (version: string): World => ({
      services: { ...services(), [`com.acme.Web:${version}`]: services()["users"]! },
    });
    for (const version of ["1.0.0", "2.0.0", "1.0.0"]) {
      await stage.apply(web(version));
      await eventually("it is called by its plain name", async () => {
        const { status } = await ask(usersPort(), "com.acme.web");
        return (
          status === 200 && (await ask(usersPort(), `com.acme.web-${version.replaceAll(".", "-")}`)).status === 200
        );
      });
    }
    expect(await envoy.rejected()).toEqual({});
  });

  test("a refusal is shown with the rule that it came from, and what was in force stays", async () => {
    await stage.apply({ services: services(), rules: all("users", "v1") });
    await eventually("the rule is in force", async () => (await ask(usersPort(), "users")).text.startsWith("one"));
    // With delta, each service's routes are a resource of their own.
    const type = mode === "delta" ? VIRTUAL_HOST_TYPE : ROUTE_TYPE;
    stage.spoil = (set) => {
      const spoiled = (set.types.get(type) ?? []).map((one) => {
        const text = JSON.stringify(one.resource).replaceAll(
          '"timeout":"0s"',
          '"timeout":"0s","prefixRewrite":"/a","regexRewrite":{"pattern":{"regex":"b"}}',
        );
        return { ...one, version: `${one.version}-spoiled`, resource: JSON.parse(text) as object };
      });
      return { ...set, version: `${set.version}-spoiled`, types: new Map([...set.types, [type, spoiled]]) };
    };
    await stage.apply({ services: services(), rules: all("users", "v2") });
    const refusals = () =>
      stage.server
        .clients()
        .flatMap(({ types }) =>
          types.flatMap(({ typeUrl, refusal }) => (refusal === undefined ? [] : [{ typeUrl, refusal }])),
        );
    await eventually("the refusal is known", () => refusals().length > 0);
    expect(refusals()[0]).toMatchObject({
      typeUrl: type,
      refusal: { origins: [{ rule: "rule-of-users", file: "rules.yaml" }] },
    });
    expect((await ask(usersPort(), "users")).text).toMatch(/^one/);
    // What no route that it goes by names comes and goes meanwhile.
    const clusters = async () => Object.values(await envoy.stats("cluster_manager.active_clusters"))[0];
    const before = await clusters();
    await stage.apply({ services: { ...services(), passing: services()["users"]! }, rules: all("users", "v2") });
    await eventually("a service more", async () => (await clusters()) === before! + 1);
    await stage.apply({ services: services(), rules: all("users", "v2") });
    await eventually("it is taken away", async () => (await clusters()) === before);
    expect((await ask(usersPort(), "users")).text).toMatch(/^one/);
    stage.spoil = undefined;
    await stage.apply({ services: services(), rules: all("users", "v2") });
    await eventually("the rule is in force", async () => (await ask(usersPort(), "users")).text.startsWith("two"));
  });

  test("providers that come and go are followed", async () => {
    const [first, second] = services()["users"]!;
    await stage.apply({ services: { ...services(), users: [first!] } });
    await eventually("calls go to the first alone", async () => {
      const counts = await countOf(
        10,
        async () => (await ask(Number(/:(\d+)\?/.exec(first!)![1]), "users")).text.split(" ")[0]!,
      );
      return counts["one"] === 10;
    });
    await stage.apply({ services: { ...services(), users: [second!] } });
    const port = Number(/:(\d+)\?/.exec(second!)![1]);
    await eventually(
      "calls go to the second alone",
      async () => (await ask(port, "users").catch(() => undefined))?.text === "two /",
    );
    const { users: _gone, ...others } = services();
    await stage.apply({ services: others });
    const clusters = stage.server.clients()[0]!.types.find(({ typeUrl }) => typeUrl === CLUSTER_TYPE);
    expect(clusters).toMatchObject({ state: "synced", resources: 2 });
  });
});

test("an Envoy as a gateway serves what Gateways say", async () => {
  const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  servers: [{port: {number: 8000, name: http, protocol: HTTP}, hosts: ["*.example.com"], bind: ${hosts.trestle}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside}
spec:
  hosts: [shop.example.com]
  gateways: [entry]
  http:
  - match: [{uri: {prefix: /users}, queryParams: {v: {exact: "2"}}}]
    route: [${to("users", "v2")}]
  - match: [{uri: {prefix: /users}}]
    rewrite: {uri: /people}
    route: [${to("users", "v1")}]
  - match: [{uri: {prefix: /orders}}]
    route: [{destination: {host: ${ORDERS}}}]
---`;
  const ask = (port: number, host: string, path: string) => askAt(hosts.trestle, port, host, path);
  stage.spoil = undefined;
  await stage.apply({ services: services(), rules: gateway + subsets("users") });
  const envoy = await startXdsEnvoy({
    nodeId: `router~${hosts.trestle}~gateway~e2e`,
    server: stage,
    labels: { istio: "ingressgateway" },
  });
  await eventually(
    "the gateway listens",
    async () => (await ask(8000, "shop.example.com", "/users").catch(() => undefined))?.status === 200,
  );
  expect(await ask(8000, "shop.example.com", "/users/1")).toEqual({ status: 200, text: "one /people/1" });
  expect(await ask(8000, "shop.example.com:8000", "/users/1?v=2")).toEqual({ status: 200, text: "two /users/1?v=2" });
  expect((await ask(8000, "shop.example.com", "/orders")).status).toBe(503);
  expect((await ask(8000, "other.example.com", "/users")).status).toBe(404);
  // By what tokens say. First no issuer has keys that can be used, then one has.
  const key = signingKey();
  const weak = signingKey("RS256", "weak", 1024);
  const secret = { kty: "oct", alg: "HS256", kid: "s", k: Buffer.from("secret").toString("base64url") };
  const late = `{issuer: late, jwksUri: "https://late.example/keys", fromHeaders: [{name: x-late}]}`;
  const unfit = `{issuer: unfit, jwks: '${JSON.stringify({ keys: [weak.jwk, secret] })}'}`;
  const byClaim = (issuers: readonly string[]) => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt}
spec: {jwtRules: [${issuers.join(", ")}]}
---${gateway.replace('queryParams: {v: {exact: "2"}}', 'headers: {"@request.auth.claims[scope]": {exact: write}}')}`;
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const asked = async (token?: string, more: Readonly<Record<string, string>> = {}) => {
    const headers = { ...more, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const { status, text } = await askAt(hosts.trestle, 8000, "shop.example.com", "/users/1", headers);
    return status === 200 ? text : status;
  };
  const lateToken = tokenOf(key, { iss: "late", exp, scope: "write" });
  await stage.apply({ services: services(), rules: byClaim([late, unfit]) + subsets("users") });
  await eventually("tokens are judged", async () => (await asked(undefined, { "x-late": lateToken })) === 401);
  expect(await asked()).toBe("one /people/1");
  expect(await asked(tokenOf(weak, { iss: "unfit", exp, scope: "write" }))).toBe(401);
  const [head, payload] = tokenOf(weak, { iss: "unfit", exp, scope: "write" }, { alg: "HS256", kid: "s" }).split(".");
  const byHmac = `${head}.${payload}`;
  expect(await asked(`${byHmac}.${createHmac("sha256", "secret").update(byHmac).digest("base64url")}`)).toBe(401);
  await stage.apply({
    services: services(),
    rules: byClaim([`{issuer: i, jwks: '${keySet(key)}'}`, late, unfit]) + subsets("users"),
  });
  const writer = tokenOf(key, { iss: "i", exp, scope: "read write" });
  await eventually("routes go by claims", async () => (await asked(writer)) === "two /users/1");
  expect(await asked(tokenOf(key, { iss: "i", exp, scope: "read" }))).toBe("one /people/1");
  expect(await asked(undefined, { "@request.auth.claims[scope]": "write" }).catch(() => 400)).not.toBe("two /users/1");
  expect(await asked()).toBe("one /people/1");
  expect(await asked(`${writer.slice(0, -6)}AAAAAA`)).toBe(401);
  expect(await asked(tokenOf(key, { iss: "late", exp, scope: "write" }))).toBe(401);
  for (const bad of [lateToken, "no.good.one"]) expect(await asked(undefined, { "x-late": bad })).toBe(401);
  await applyAllFields();
  expect(await envoy.rejected()).toEqual({});
  expect(await envoy.dump("dynamic_route_configs")).toContain("allow_origin_string_match");
  await envoy.stop();
});
