import { createNacosSource } from "../../../src/registry-sync/sources/nacos/source.ts";
import { startNacos } from "../../support/nacos.ts";
import { hosts } from "../../support/netns.ts";
import type { ListOf } from "./impostor.ts";
import { startBadNetwork } from "./network.ts";
import type { Address, Instance, SourceRegistry } from "./registry.ts";

const PORT = 8_848;
/** Nobody has to renew within this time, ms. */
const LEASE_MS = 600_000;

/** What a Nacos answers by HTTP that holds one instance. */
export const nacosList: ListOf = (name) => {
  const metadata = { "preserved.register.source": "SPRING_CLOUD" };
  const one = { ip: "10.9.3.1", port: 80, weight: 1, healthy: true, enabled: true, ephemeral: true, metadata };
  return ({ url }) => {
    const query = new URL(url, "http://nacos").searchParams;
    const group = query.get("groupName") ?? "";
    const service = { name: `${group}@@${name}`, groupName: group, clusters: "", lastRefTime: 1, hosts: [one] };
    const answer = url.includes("/instance/list") ? service : { count: 1, doms: [name] };
    return { type: "application/json", text: JSON.stringify(answer) };
  };
};

/** A real Nacos; instances are registered by HTTP, as clients of 1.x do, in a group for each scope. */
export async function startNacosRegistry(): Promise<SourceRegistry> {
  const server = await startNacos(hosts.registry, { port: PORT });
  const address = { host: hosts.registry, port: PORT };
  /** By group and name, then by address. */
  const stands = new Map<string, Map<string, Instance>>();
  const ask = (method: string, name: string, { host, port, up = true, weight = "1", metadata = {} }: Instance) => {
    const said = {
      ...{ ...metadata, "preserved.register.source": "SPRING_CLOUD" },
      ...{ "preserved.heart.beat.timeout": LEASE_MS, "preserved.ip.delete.timeout": LEASE_MS },
    };
    const query = new URLSearchParams({
      ...{ serviceName: name, ip: host, port: String(port), weight, enabled: String(up) },
      ...{ ephemeral: "true", metadata: JSON.stringify(said) },
    });
    return server.ask(method, `/v1/ns/instance?${query}`);
  };
  const source =
    (api: "grpc" | "http") =>
    ({ host, port }: Address, scope: string) =>
      createNacosSource({ name: "nacos", hosts: [`${host}:${port}`], api, groups: [scope] });
  return {
    kind: "nacos",
    address,
    sources: { grpc: source("grpc"), http: source("http") },
    async put(service, instances, scope = "DEFAULT_GROUP") {
      const name = `${scope}@@${service}`;
      const before = stands.get(name) ?? new Map<string, Instance>();
      const after = new Map<string, Instance>();
      stands.set(name, after);
      for (const instance of instances) {
        const id = `${instance.host}:${instance.port}`;
        if (JSON.stringify(before.get(id)) === JSON.stringify(instance)) after.set(id, instance);
        else if ((await ask("POST", name, instance)).status === 200) after.set(id, instance);
      }
      for (const [id, instance] of before) if (!after.has(id)) await ask("DELETE", name, instance);
    },
    openNetwork: () => startBadNetwork(hosts.relay, address, [0, 1_000]),
    kill: () => server.kill(),
    restart: () => server.restart(),
    // It has kept nothing.
    async empty() {},
    async putBack() {
      const all = [...stands].flatMap(([name, instances]) =>
        [...instances.values()].map((one) => [name, one] as const),
      );
      await Promise.all(all.map(([name, instance]) => ask("POST", name, instance)));
    },
    stop: () => server.stop(),
  };
}
