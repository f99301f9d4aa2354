import { realClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { request } from "../../src/codecs/nacos/messages.ts";
import { OPEN_ACL } from "../../src/codecs/zookeeper/records.ts";
import type { MultiOp } from "../../src/codecs/zookeeper/requests.ts";
import { encodeName } from "../../src/registry-sync/dubbo/url.ts";
import { type NacosConnection, runNacosSession } from "../../src/registry-sync/sources/nacos/session.ts";
import { openGrpcTransport } from "../../src/registry-sync/sources/nacos/transport.ts";
import { createZooKeeperClient } from "../../src/registry-sync/sources/zookeeper/client.ts";
import type { Eureka } from "../support/eureka.ts";
import { rawInstance } from "../support/eureka-documents.ts";
import { type BenchStore, dubboParams, type Mover, VERSION } from "./registry-world.ts";

/** A ZooKeeper, as Dubbo 2.7 writes to it; the nodes outlive the session. */
export async function openZooKeeperStore(server: {
  readonly host: string;
  readonly port: number;
}): Promise<BenchStore> {
  const client = createZooKeeperClient({ servers: [server], maxOutstanding: 64 });
  await client.connected(30_000);
  await client.multi([create("/dubbo")]);
  const nodeOf = (service: string, place: string, more = "") => {
    const params = Object.entries(dubboParams(service)).map(([key, value]) => `${key}=${value}`);
    return `/dubbo/${service}/providers/${encodeName(`dubbo://${place}/${service}?${params.join("&")}${more}`)}`;
  };
  const moverNode = (service: string, { place, mark, weight }: Mover) =>
    nodeOf(service, place, `&change=${mark}&weight=${weight}`);
  return {
    async add(service, places) {
      const nodes = [`/dubbo/${service}`, `/dubbo/${service}/providers`];
      await client.multi([...nodes, ...places.map((place) => nodeOf(service, place))].map(create));
    },
    async move(service, before, after) {
      await client.multi([
        ...(before === undefined
          ? []
          : [{ op: "delete", path: moverNode(service, before), version: -1 } satisfies MultiOp]),
        ...(after === undefined ? [] : [create(moverNode(service, after))]),
      ]);
    },
    close: () => client.close(),
  };
}

function create(path: string): MultiOp {
  return { op: "create", path, data: null, acl: OPEN_ACL, flags: 0 };
}

/**
 * A Nacos 2.x, as Dubbo's providers register there: over gRPC, the movers on a connection of their own, since a connection has one
 * publication for each service. What is registered goes with the connections: one that is lost fails what comes after it.
 */
export async function openNacosStore(server: { readonly host: string; readonly port: number }): Promise<BenchStore> {
  const ending = new AbortController();
  const running: Promise<void>[] = [];
  const open = (): Promise<NacosConnection> =>
    new Promise((resolve) => {
      const session = runNacosSession(
        {
          servers: [server],
          labels: { source: "sdk", AppName: "bench-provider", module: "naming" },
          token: async () => undefined,
          onDenied() {},
          openTransport: openGrpcTransport,
          clock: realClock,
          log: silentLogger,
          onReady: resolve,
          onLost() {},
          onPush() {},
          onUnreachable() {},
        },
        ending.signal,
      );
      running.push(session);
    });
  const [all, movers] = await Promise.all([open(), open()]);
  const named = (service: string) => ({
    namespace: "public",
    groupName: "DEFAULT_GROUP",
    serviceName: `providers:${service}:${VERSION}:`,
  });
  const instance = (service: string, place: string, more: Readonly<Record<string, string>> = {}) => {
    const [ip, port] = place.split(":");
    const metadata = { ...dubboParams(service), category: "providers", path: service, protocol: "dubbo", ...more };
    return {
      ...{ ip, port: Number(port), weight: 1, healthy: true, enabled: true, ephemeral: true },
      ...{ clusterName: "DEFAULT", metadata },
    };
  };
  return {
    async add(service, places) {
      const instances = places.map((place) => instance(service, place));
      const fields = { ...named(service), type: "batchRegisterInstance", instances };
      await all.request(request("BatchInstanceRequest", "naming", fields), 30_000);
    },
    async move(service, before, after) {
      const { place, mark, weight } = (after ?? before)!;
      const more = { change: mark, weight: String(weight) };
      const type = after === undefined ? "deregisterInstance" : "registerInstance";
      const fields = { ...named(service), type, instance: instance(service, place, more) };
      await movers.request(request("InstanceRequest", "naming", fields), 30_000);
    },
    async close() {
      ending.abort();
      await Promise.all(running);
    },
  };
}

/** A Eureka, as its peers write to it: many instances with one request. Nobody moves there: it is asked for changes, it tells of none. */
export function openEurekaStore(eureka: Eureka): BenchStore {
  const lease = { renewalIntervalInSecs: 30, durationInSecs: 86_400 };
  let waiting: object[] = [];
  let sending: Promise<void> | undefined;
  const send = async () => {
    // All that is added at once goes in one request.
    await new Promise((resolve) => setImmediate(resolve));
    const replicationList = waiting;
    waiting = [];
    sending = undefined;
    const { status, body } = await eureka.ask("POST", "/peerreplication/batch/", { replicationList });
    if (status !== 200) throw new Error(`eureka answered ${status}: ${body}`);
  };
  return {
    async add(service, places) {
      const app = service.split(".").at(-1)!.toLowerCase();
      for (const place of places) {
        const [host, port] = place.split(":");
        const now = Date.now();
        const raw = { leaseInfo: lease, lastDirtyTimestamp: `${now}`, lastUpdatedTimestamp: `${now}` };
        const instanceInfo = rawInstance({ app, host: host!, port: Number(port), raw });
        waiting.push({
          ...{ appName: app.toUpperCase(), id: instanceInfo["instanceId"], lastDirtyTimestamp: now, status: "UP" },
          ...{ action: "Register", instanceInfo },
        });
      }
      sending ??= send();
      await sending;
    },
    async move() {
      throw new Error("a Eureka has no movers");
    },
    async close() {},
  };
}
