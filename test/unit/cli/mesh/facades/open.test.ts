import { expect, test, vi } from "vitest";
import { type Clock, steadyClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import type { FacadeConfig, RegistryConfig } from "../../../../../src/cli/config/config.ts";
import { openFacade } from "../../../../../src/cli/mesh/facades/open.ts";
import { createPresentContext } from "../../../../../src/registry-sync/present/context.ts";
import { Spacing } from "../../../../../src/registry-sync/present/spacing.ts";

interface Given {
  readonly clock: Clock;
  readonly upstream: readonly object[];
}
const { given, take } = vi.hoisted(() => {
  const given: Given[] = [];
  const take = async (options: Given) => {
    given.push(options);
    return {};
  };
  return { given, take };
});
vi.mock("../../../../../src/registry-sync/facades/zookeeper.ts", () => ({ createZookeeperFacade: take }));
vi.mock("../../../../../src/registry-sync/facades/nacos.ts", () => ({ createNacosFacade: take }));
vi.mock("../../../../../src/registry-sync/facades/eureka.ts", () => ({ createEurekaFacade: take }));

test.each(["zookeeper", "nacos", "eureka"] as const)(
  "a facade of %s goes by a clock that does not step, and knows its registry's servers",
  async (scheme) => {
    const config = { scheme, host: "10.0.0.5", port: 0, registry: "r", allow: [] } as unknown as FacadeConfig;
    const registry = { name: "r", chroot: "", query: {} } as unknown as RegistryConfig;
    given.length = 0;
    await openFacade(
      config,
      { config: registry, hosts: ["10.0.0.1:1", "[::1]:2"] } as unknown as Parameters<typeof openFacade>[1],
      {
        context: createPresentContext({ addresses: [] }),
        log: silentLogger,
        onRemoval: () => {},
        onLogin: undefined,
        isVouched: () => false,
        spacing: new Spacing(steadyClock),
      },
    );
    expect(given).toHaveLength(1);
    expect(given[0]!.clock).toBe(steadyClock);
    expect(given[0]!.upstream).toEqual([
      { host: "10.0.0.1", port: 1 },
      { host: "::1", port: 2 },
    ]);
  },
);
