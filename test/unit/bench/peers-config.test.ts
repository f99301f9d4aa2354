import { expect, test } from "vitest";
import { envoyConfig, nginxConfig } from "../../bench/peers-config.ts";

test("nginx listens and passes on where it is told, in one process", () => {
  const config = nginxConfig("/scratch", 4001, 4002);
  expect(config).toContain("listen 127.0.0.1:4001; proxy_pass 127.0.0.1:4002;");
  expect(config).toContain("master_process off;");
});

interface EnvoyBoot {
  readonly static_resources: {
    readonly listeners: { filter_chains: { filters: { name: string; typed_config: object }[] }[] }[];
    readonly clusters: { load_assignment: object }[];
  };
}

const filters = [
  { filter: "dubbo", name: "envoy.filters.network.dubbo_proxy", says: '"method":{"name":{"exact":"addOrder"}}' },
  { filter: "generic", name: "envoy.filters.network.generic_proxy", says: '"bind_upstream_connection":false' },
  { filter: "generic-bound", name: "envoy.filters.network.generic_proxy", says: '"bind_upstream_connection":true' },
] as const;

for (const { filter, name, says } of filters) {
  test(`Envoy's ${filter} configuration has that filter and both clusters point to the provider`, () => {
    const boot = JSON.parse(envoyConfig(filter, 4002)) as EnvoyBoot;
    const chosen = boot.static_resources.listeners[0]!.filter_chains[0]!.filters[0]!;
    expect(chosen.name).toBe(name);
    expect(JSON.stringify(chosen)).toContain(says);
    expect(JSON.stringify(chosen)).toContain("addOrder");
    for (const cluster of boot.static_resources.clusters) {
      expect(JSON.stringify(cluster.load_assignment)).toContain('"port_value":4002');
    }
  });
}
