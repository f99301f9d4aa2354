import { printEurekaJson } from "../../../src/codecs/eureka/json.ts";
import { printEurekaXml } from "../../../src/codecs/eureka/xml.ts";
import { createEurekaSource } from "../../../src/registry-sync/sources/eureka/source.ts";
import { startEureka } from "../../support/eureka.ts";
import { hosts } from "../../support/netns.ts";
import type { ListOf } from "./impostor.ts";
import { startBadNetwork } from "./network.ts";
import type { Address, Instance, SourceRegistry } from "./registry.ts";

const PORT = 8_761;

/** What a Spring Cloud application registers of itself, with a lease of so many seconds. */
export function instanceDocument(
  service: string,
  id: string,
  { host, port, up = true, metadata = {} }: Instance,
  leaseSeconds: number,
) {
  const now = Date.now();
  return {
    ...{ instanceId: id, app: service.toUpperCase(), hostName: host, ipAddr: host, vipAddress: service },
    status: up ? "UP" : "OUT_OF_SERVICE",
    overriddenStatus: "UNKNOWN",
    port: { $: port, "@enabled": "true" },
    securePort: { $: 443, "@enabled": "false" },
    countryId: 1,
    dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: leaseSeconds },
    metadata,
    lastDirtyTimestamp: String(now),
    lastUpdatedTimestamp: String(now),
  };
}

const pathOf = (service: string, id: string) => `/apps/${service.toUpperCase()}/${encodeURIComponent(id)}`;

/** What a Eureka answers that holds one instance, in the format that is asked for. */
export const eurekaList: ListOf = (name) => {
  const instances = [instanceDocument(name, "one", { host: "10.9.3.1", port: 80 }, 600)];
  const applications = [{ name: name.toUpperCase(), instances }];
  const document = { kind: "applications", version: "1", hashcode: "UP_1_", applications } as const;
  return ({ accept }) =>
    accept.includes("xml")
      ? { type: "application/xml", text: printEurekaXml(document) }
      : { type: "application/json", text: printEurekaJson(document) };
};

/** A real Eureka server; leases of ten minutes, so that nobody has to renew. */
export async function startEurekaRegistry(): Promise<SourceRegistry> {
  const server = await startEureka({ port: PORT });
  const address = { host: hosts.registry, port: PORT };
  const stands = new Map<string, Map<string, Instance>>();
  const register = (service: string, id: string, instance: Instance) =>
    server.ask("POST", `/apps/${service.toUpperCase()}`, { instance: instanceDocument(service, id, instance, 600) });
  const source = (format: "json" | "xml") => (at: Address) =>
    createEurekaSource({ name: "eureka", servers: [at], intervalMs: 200, format });
  return {
    kind: "eureka",
    address,
    sources: { json: source("json"), xml: source("xml") },
    async put(service, instances) {
      const before = stands.get(service) ?? new Map<string, Instance>();
      const after = new Map<string, Instance>();
      stands.set(service, after);
      for (const instance of instances) {
        const id = `${instance.host}:${service}:${instance.port}`.replace(/[^\w.:-]/g, "_");
        after.set(id, instance);
        const known = before.get(id);
        if (JSON.stringify(known) === JSON.stringify(instance)) continue;
        await register(service, id, instance);
        // A registration does not change the status of an instance that is known.
        if (known !== undefined && known.up !== instance.up)
          await server.ask(
            "PUT",
            `${pathOf(service, id)}/status?value=${instance.up === false ? "OUT_OF_SERVICE" : "UP"}`,
          );
      }
      for (const id of before.keys()) if (!after.has(id)) await server.ask("DELETE", pathOf(service, id));
    },
    openNetwork: () => startBadNetwork(hosts.relay, address),
    kill: () => server.kill(),
    restart: () => server.restart(),
    // It has kept nothing.
    async empty() {},
    async putBack() {
      for (const [service, instances] of stands)
        for (const [id, instance] of instances) await register(service, id, instance);
    },
    stop: () => server.stop(),
  };
}
