import { afterEach, beforeEach, expect } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { createProxy, type RunningProxy } from "../../src/bridge-proxy/proxy.ts";
import type { LbPolicy } from "../../src/codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../src/codecs/xds/core.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "../../src/codecs/xds/resources.ts";
import type { Route } from "../../src/codecs/xds/route.ts";
import { answerCall, type FakeProvider, startFakeProvider } from "./fake-provider.ts";
import { freePort } from "./lone-proxy.ts";
import { openRaw, type RawConnection, type RequestOptions, request } from "./raw-dubbo.ts";
import { clusterName, clusterOf, endpointsOf, named, routesOf, type TestEndpoint } from "./xds-fixtures.ts";

/** The service that is called. */
export const KEY = "com.acme.A:1.0.0";

/** What a test's proxy is told. */
export interface Setup {
  /** Routes of the service; one to the whole cluster unless given. */
  readonly routes?: readonly Route[];
  /** Further virtual hosts by key. */
  readonly others?: Readonly<Record<string, readonly Route[]>>;
  /** Endpoints by subset. */
  readonly endpoints?: Readonly<Record<string, readonly TestEndpoint[]>>;
  readonly clusterKey?: string;
  readonly maxRequests?: number;
  /** In turn unless given. */
  readonly lbPolicy?: LbPolicy;
  readonly callbackMethods?: string[];
}

/** A proxy in this process, new for each test, with two providers made of bytes that answer with their names, and one caller. */
export interface RuleStage {
  readonly proxy: RunningProxy;
  readonly port: number;
  readonly one: FakeProvider;
  readonly two: FakeProvider;
  readonly caller: RawConnection;
  /** Configures the proxy and connects the caller. */
  setUp(setup: Setup): Promise<void>;
  /** Sends a call and gives its id. */
  ask(options?: Partial<RequestOptions>): bigint;
  /** Sends a call and waits for its answer, which must be the next that comes. */
  call(options?: Partial<RequestOptions>): Promise<{ status: number; text: string }>;
}

/** Sets the stage before each test and clears it after. Call it once at the top of a file. */
export function setRuleStage(): RuleStage {
  let proxy: RunningProxy;
  let port: number;
  let one: FakeProvider;
  let two: FakeProvider;
  let caller: RawConnection;
  let nextId = 1n;

  beforeEach(async () => {
    [one, two, port] = [await startFakeProvider(), await startFakeProvider(), await freePort()];
    one.onCall = (seen) => answerCall(seen, "one");
    two.onCall = (seen) => answerCall(seen, "two");
    proxy = createProxy({ worker: "test", log: silentLogger });
  });

  afterEach(async () => {
    caller?.destroy();
    await proxy.close();
    await Promise.all([one.close(), two.close()]);
  });

  async function setUp({
    routes,
    others = {},
    endpoints = { "": [{ port: one.port }] },
    clusterKey = KEY,
    ...extra
  }: Setup): Promise<void> {
    const listener = {
      name: "dubbo",
      address: { socketAddress: { address: "127.0.0.1", portValue: port } },
      metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "dubbo" as const, routeConfigName: "dubbo" } } },
    };
    const all = {
      [KEY]: routes ?? [{ name: "all", match: { prefix: "/" }, route: { cluster: clusterName(clusterKey) } }],
      ...others,
    };
    await proxy.apply([
      { typeUrl: LISTENER_TYPE, resources: [named("dubbo", listener)], removedResources: [] },
      {
        typeUrl: CLUSTER_TYPE,
        resources: Object.keys(endpoints).map((subset) =>
          named(clusterName(clusterKey, subset), clusterOf(clusterKey, subset, { lbPolicy: "ROUND_ROBIN", ...extra })),
        ),
        removedResources: [],
      },
      {
        typeUrl: ENDPOINT_TYPE,
        resources: Object.entries(endpoints).map(([subset, list]) =>
          named(clusterName(clusterKey, subset), endpointsOf(clusterKey, subset, list)),
        ),
        removedResources: [],
      },
      { typeUrl: ROUTE_TYPE, resources: [named("dubbo", routesOf(all))], removedResources: [] },
    ]);
    caller = await openRaw("127.0.0.1", port);
  }

  function ask(options: Partial<RequestOptions> = {}): bigint {
    const id = nextId++;
    caller.write(request({ id, service: "com.acme.A", version: "1.0.0", method: "get", ...options }));
    return id;
  }

  async function call(options: Partial<RequestOptions> = {}): Promise<{ status: number; text: string }> {
    const id = ask(options);
    const answer = await caller.answer(4_000);
    expect(answer.id).toBe(id);
    return { status: answer.status, text: answer.body.toString("latin1") };
  }

  return {
    get proxy() {
      return proxy;
    },
    get port() {
      return port;
    },
    get one() {
      return one;
    },
    get two() {
      return two;
    },
    get caller() {
      return caller;
    },
    setUp,
    ask,
    call,
  };
}

/** One route for every call of {@link KEY}, with more in its action or beside it. */
export const toAll = (extra: object = {}, more: Partial<Route> = {}): Route[] => [
  { name: "all", match: { prefix: "/" }, route: { cluster: clusterName(KEY), ...extra }, ...more },
];
