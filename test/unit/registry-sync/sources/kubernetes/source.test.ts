import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TransientError } from "../../../../../src/base/errors.ts";
import type { KubernetesApi } from "../../../../../src/kubernetes/api.ts";
import type { World } from "../../../../../src/model/entry.ts";
import { createKubernetesSource } from "../../../../../src/registry-sync/sources/kubernetes/source.ts";
import { recordingLogger, turn } from "../../../../support/recording-logger.ts";

const metadata = (name: string, namespace: string, resourceVersion = "1") => ({ name, namespace, resourceVersion });
const service = (name: string, namespace = "shop", version = "1") => ({
  metadata: metadata(name, namespace, version),
  spec: { ports: [{ name: "http", port: 80 }] },
});
const slice = (of: string, address: string, namespace = "shop", version = "1") => ({
  metadata: { ...metadata(`${of}-1`, namespace, version), labels: { "kubernetes.io/service-name": of } },
  ports: [{ name: "http", port: 8080 }],
  endpoints: [{ addresses: [address] }],
});

/** An API server in memory: lists by path, and a way to send events down the watch of a path. */
function server() {
  const lists = new Map<string, readonly object[] | Error>();
  const asked: string[] = [];
  const watches = new Map<string, (event: object | Error) => void>();
  const api: KubernetesApi = {
    send: () => Promise.reject(new Error("nothing is sent")),
    async get(path) {
      asked.push(path);
      const items = lists.get(path.split("?")[0]!) ?? [];
      if (items instanceof Error) throw items;
      return { metadata: { resourceVersion: "5" }, items };
    },
    async *lines(path, signal) {
      const waiting: (object | Error)[] = [];
      let wake = () => {};
      const send = (event: object | Error) => {
        waiting.push(event);
        wake();
      };
      watches.set(path.split("?")[0]!, send);
      signal.addEventListener("abort", () => wake());
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event instanceof Error) throw event;
        if (event !== undefined) yield event;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
  return { api, lists, asked, send: (path: string, event: object | Error) => watches.get(path)!(event) };
}

function follow(api: KubernetesApi, more: object = {}) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const stop = new AbortController();
  const events: string[] = [];
  const source = createKubernetesSource({
    ...{ name: "k8s", openApi: async () => api, clock, log: logger },
    onConnected: (connected) => events.push(connected ? "connected" : "lost"),
    ...more,
  });
  const worlds: World[] = [];
  const done = (async () => {
    for await (const world of source.watch(stop.signal, () => events.push("disturbed"))) worlds.push(world);
  })();
  return {
    ...{ source, worlds, events, lines },
    async pass(ms = 20) {
      for (let i = 0; i < 10; i++) await turn();
      clock.advance(ms);
      for (let i = 0; i < 10; i++) await turn();
    },
    async end() {
      stop.abort();
      await done;
    },
  };
}

const SERVICES = "/api/v1/services";
const SLICES = "/apis/discovery.k8s.io/v1/endpointslices";
const addresses = (world: World | undefined) =>
  world?.entries.map(
    ({ host, endpoints }) => `${host.split(".")[0]} ${endpoints.map(({ address }) => address).join()}`,
  );

test("lists make the first world, watches the next ones; changes close together are one", async () => {
  const { api, lists, send } = server();
  lists.set(SERVICES, [service("order")]);
  lists.set(SLICES, [slice("order", "10.0.0.1")]);
  const run = follow(api);
  await run.pass();
  expect(run.worlds.map(addresses)).toEqual([["order 10.0.0.1"]]);
  send(SERVICES, { type: "ADDED", object: service("stock", "shop", "6") });
  send(SLICES, { type: "ADDED", object: slice("stock", "10.0.0.2", "shop", "7") });
  send(SLICES, { type: "DELETED", object: slice("order", "10.0.0.1", "shop", "8") });
  await run.pass();
  expect(run.worlds.slice(1).map(addresses)).toEqual([["order ", "stock 10.0.0.2"]]);
  expect(run.source.status?.()).toEqual({ state: "connected", errors: 0, lagMs: 20 });
  await run.end();
});

test("nothing is told before every list was read", async () => {
  const { api, lists } = server();
  lists.set(SERVICES, [service("order")]);
  lists.set(SLICES, new TransientError("refused"));
  const run = follow(api);
  await run.pass();
  expect([run.worlds, run.source.status?.()]).toMatchObject([[], { errors: 1, lastError: "refused" }]);
  lists.set(SLICES, []);
  await run.pass(250);
  await run.pass();
  expect(run.worlds.map(addresses)).toEqual([["order "]]);
  expect(run.source.status?.().state).toBe("connected");
  await run.end();
});

test("a server that is lost disturbs, leaves what was known, and is told of once", async () => {
  const { api, lists, send } = server();
  lists.set(SERVICES, [service("order")]);
  lists.set(SLICES, [slice("order", "10.0.0.1")]);
  const run = follow(api);
  await run.pass();
  lists.set(SERVICES, new TransientError("refused"));
  send(SERVICES, new TransientError("reset"));
  send(SLICES, new TransientError("reset"));
  await run.pass(0);
  expect([run.source.status?.().state, run.worlds.length]).toEqual(["lost", 1]);
  expect(run.events).toEqual(["connected", "disturbed", "lost", "lost"]);
  expect(run.lines.map(([level]) => level)).toEqual(["warn"]);
  await run.end();
});

test("namespaces and a selector are asked for by the server's own means; each list replaces its own part alone", async () => {
  const { api, lists, asked } = server();
  lists.set("/api/v1/namespaces/a/services", [service("one", "a")]);
  lists.set("/api/v1/namespaces/b/services", [service("two", "b")]);
  lists.set("/apis/discovery.k8s.io/v1/namespaces/b/endpointslices", [slice("two", "10.0.0.2", "b")]);
  const run = follow(api, { namespaces: ["a", "b"], selector: "tier in (x)" });
  await run.pass();
  expect(addresses(run.worlds[0])).toEqual(["one ", "two 10.0.0.2"]);
  expect(asked.sort()).toEqual([
    "/api/v1/namespaces/a/services?limit=500&labelSelector=tier%20in%20(x)",
    "/api/v1/namespaces/b/services?limit=500&labelSelector=tier%20in%20(x)",
    "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices?limit=500",
    "/apis/discovery.k8s.io/v1/namespaces/b/endpointslices?limit=500",
  ]);
  await run.end();
});

test("an API that cannot be opened is an error of the watch", async () => {
  const source = createKubernetesSource({
    name: "k8s",
    openApi: async () => {
      throw new TransientError("no kubeconfig");
    },
  });
  const watched = source.watch(new AbortController().signal)[Symbol.asyncIterator]();
  await expect(watched.next()).rejects.toThrow("no kubeconfig");
});

test("whoever has read enough may leave without the signal", async () => {
  const source = createKubernetesSource({ name: "k8s", openApi: async () => server().api });
  for await (const world of source.watch(new AbortController().signal)) {
    expect(world.entries).toEqual([]);
    break;
  }
});
