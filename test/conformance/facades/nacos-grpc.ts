import { realClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { NacosBody } from "../../../src/codecs/nacos/body.ts";
import { request, subscribeRequest } from "../../../src/codecs/nacos/messages.ts";
import { readServiceInfo } from "../../../src/codecs/nacos/service-info.ts";
import { type NacosConnection, runNacosSession } from "../../../src/registry-sync/sources/nacos/session.ts";
import { openGrpcTransport } from "../../../src/registry-sync/sources/nacos/transport.ts";
import { eventually } from "../../support/process.ts";
import type { Address } from "../sources/registry.ts";
import { type FacadeUser, RENEW_MS, type Registered, repeat, Told } from "./users.ts";

const addressOf = (serviceName: string) => ({ namespace: "public", groupName: "DEFAULT_GROUP", serviceName });

/** One connection, on which all is subscribed and registered; after it was lost, on the next one again. What is told are pushes. */
export function createNacosGrpcUser(at: Address): FacadeUser {
  const closing = new AbortController();
  const following = new Map<string, Told>();
  /** What is registered, and what of it the connection of now knows nothing of yet. */
  const own = new Map<string, () => Promise<unknown>>();
  const due = new Set<string>();
  let connection: NacosConnection | undefined;
  const connected = () => eventually("nacos is connected", () => connection, 15_000);
  const subscribe = async (service: string) => {
    const answer = await (await connected()).request(subscribeRequest(addressOf(service)));
    following.get(service)?.say(hostsOf(answer["serviceInfo"]));
  };
  const running = runNacosSession(
    {
      servers: [at],
      labels: { module: "naming", source: "sdk" },
      token: async () => undefined,
      onDenied: () => {},
      openTransport: openGrpcTransport,
      clock: realClock,
      log: silentLogger,
      onReady(ready) {
        connection = ready;
        for (const key of own.keys()) due.add(key);
        for (const service of following.keys()) subscribe(service).catch(() => {});
      },
      onLost() {
        connection = undefined;
      },
      onPush({ body }) {
        const info = readServiceInfo(body["serviceInfo"], 1_000)?.info;
        if (info !== undefined) following.get(info.name)?.say(hostsOf(body["serviceInfo"]));
      },
      onUnreachable() {},
    },
    closing.signal,
  );
  const redoing = repeat(RENEW_MS, async () => {
    for (const key of due) {
      await own.get(key)?.();
      due.delete(key);
    }
  });
  const instanceRequest = async (type: string, service: string, instance: Registered, enabled = true) =>
    (await connected()).request(
      request("InstanceRequest", "naming", { ...addressOf(service), type, instance: bodyOf(instance, enabled) }),
    );
  const keyOf = (service: string, { host, port }: Registered) => `${service} ${host}:${port}`;
  const put = async (service: string, instance: Registered, enabled: boolean) => {
    const register = () => instanceRequest("registerInstance", service, instance, enabled);
    await register();
    own.set(keyOf(service, instance), register);
  };
  return {
    async list(service) {
      const fields = { ...addressOf(service), cluster: "", healthyOnly: false, udpPort: 0 };
      const answer = await (await connected()).request(request("ServiceQueryRequest", "naming", fields));
      return [...hostsOf(answer["serviceInfo"])].sort();
    },
    async follow(service) {
      const told = new Told();
      following.set(service, told);
      await subscribe(service);
      return told;
    },
    register: (service, instance) => put(service, instance, true),
    setUp: put,
    async cancel(service, instance) {
      own.delete(keyOf(service, instance));
      await instanceRequest("deregisterInstance", service, instance);
    },
    async close() {
      redoing.stop();
      closing.abort();
      await running;
    },
  };
}

function bodyOf({ host, port }: Registered, enabled: boolean): NacosBody {
  return { ip: host, port, weight: 1, healthy: true, enabled, ephemeral: true, clusterName: "DEFAULT", metadata: {} };
}

function hostsOf(serviceInfo: unknown): readonly string[] {
  const { hosts = [] } = (serviceInfo ?? {}) as { hosts?: readonly NacosBody[] };
  return hosts.filter(({ enabled, healthy }) => enabled && healthy).map(({ ip, port }) => `${ip}:${port}`);
}
