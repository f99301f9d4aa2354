import type { AdminSources } from "../../src/control/admin/sources.ts";
import { compile } from "../../src/control/compile/compiler.ts";
import { NO_RULES, oldestFirst } from "../../src/control/rules/rule-set.ts";
import { createSnapshot } from "../../src/model/snapshot.ts";
import type { CallSeries, ProxyStats } from "../../src/model/stats.ts";
import { entryOf } from "./rule-cases.ts";
import { destinationRuleText, rulesOf, virtualServiceText } from "./rules.ts";

const rules = oldestFirst(
  rulesOf(
    virtualServiceText(
      "orders",
      "[com.acme.OrderService]",
      "[{match: [{method: {exact: createOrder}, headers: {x-user: {exact: a}}, withoutHeaders: {x-lane: {}}}], timeout: 2s, retries: {attempts: 2, retryOn: reset}, fault: {delay: {fixedDelay: 1s}, abort: {grpcStatus: UNAVAILABLE}}, route: [{destination: {host: com.acme.OrderService, subset: v2}, weight: 90}, {destination: {host: com.acme.OrderService}, weight: 10}]}, {route: [{destination: {host: com.acme.OrderService}}]}]",
    ),
    destinationRuleText("lanes", "com.acme.OrderService", "subsets: [{name: v2, labels: {lane: v2}}]"),
  ),
);

/** Two services, one of them ruled, one provider with a token. */
export const adminSnapshot = createSnapshot(
  [
    entryOf("com.acme.OrderService:1.0.0", ["dubbo://10.0.0.1:20880?lane=v2&token=hush&dubbo.tag=gray"]),
    entryOf("com.acme.StockService", ["tri://10.0.0.2:50051?password=hush"]),
  ],
  rules,
);

/** What an admin server is given in tests; `changes` replaces parts. */
export function adminSourcesOf(changes: Partial<AdminSources> = {}): AdminSources {
  return {
    version: "1.2.3",
    notReady: () => [],
    snapshot: () => adminSnapshot,
    notLed: () => new Map(),
    httpAddresses: () => new Map(),
    consumers: () => [
      {
        service: { interface: "com.acme.OrderService", group: "", version: "1.0.0" },
        address: "10.0.0.4",
        application: "shop",
        params: { token: "hush" },
      },
      {
        service: { interface: "com.acme.StockService", group: "*", version: "*" },
        address: "",
        application: "go",
        params: {},
      },
    ],
    schemaOrigins: () => new Map([["com.acme.OrderService", { java: "registry" }]]),
    resources: () => compile(adminSnapshot, { id: "n", dubbo: [{ address: "10.0.0.9", port: 20880 }] }),
    rules: () => ({ ...NO_RULES, rules, files: [{ path: "r.yaml", rules, findings: [], valid: true }], loaded: true }),
    findings: () => [{ code: "TR0103", severity: "warning", message: "a node is no URL", at: "zookeeper" }],
    registries: () => [
      {
        name: "legacy",
        url: "zookeeper://10.0.0.7:2181",
        connected: true,
        loaded: true,
        services: 2,
        endpoints: 2,
        heldEndpoints: 1,
      },
    ],
    facades: () => [
      { name: "zk", url: "zookeeper://10.0.0.5:2181", registry: "legacy", connections: 3, counters: { sessions: 7 } },
    ],
    workers: () => [
      {
        worker: "w1",
        pid: 17,
        addresses: ["10.0.0.9:20880"],
        state: "serving",
        resourcesVersion: "x",
        startedAtMs: 1,
        restarts: 0,
      },
    ],
    stats: () => [statsOf("w1", [callsOf(3)])],
    diff: async () => [
      {
        output: "files",
        changes: [{ action: "create", host: "com.acme.stockservice", detail: "1 endpoint" }],
        findings: [],
      },
    ],
    config: () => ({ admin: "127.0.0.1:15000" }),
    restart: async () => ({ workers: ["w1"] }),
    ...changes,
  };
}

/** Calls that are alike: `count` of them, 4 ms each. */
export function callsOf(count: number, changes: Partial<CallSeries> = {}): CallSeries {
  return {
    host: "com.acme.orderservice-1-0-0",
    service: "com.acme.OrderService:1.0.0",
    method: "createOrder",
    cluster: "outbound|20880|v2|com.acme.orderservice-1-0-0",
    subset: "v2",
    route: "orders/0",
    responseCode: 200,
    grpcStatus: 0,
    responseFlags: "-",
    exception: false,
    oneWay: false,
    count,
    durationSumMs: count * 4,
    durationBuckets: [0, 0, count, ...new Array<number>(17).fill(0)],
    ...changes,
  };
}

/** What one worker has counted. */
export function statsOf(worker: string, calls: readonly CallSeries[], changes: Partial<ProxyStats> = {}): ProxyStats {
  return { worker, calls, counters: { lateAnswers: 2, retries_total: 1 }, gauges: { calls_in_flight: 5 }, ...changes };
}
