import { expect, test, vi } from "vitest";
import { type Clock, steadyClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import type { TrestleConfig } from "../../../../../src/cli/config/config.ts";
import { resolveRegistry } from "../../../../../src/cli/config/registries.ts";
import { openRegistries } from "../../../../../src/cli/mesh/registries/open.ts";

interface Given {
  readonly name: string;
  readonly clock: Clock;
}
const { given, take } = vi.hoisted(() => {
  const given: Given[] = [];
  const take = (options: Given) => {
    given.push(options);
    return { name: options.name };
  };
  return { given, take };
});
vi.mock("../../../../../src/registry-sync/sources/zookeeper/source.ts", () => ({ createZookeeperSource: take }));
vi.mock("../../../../../src/registry-sync/sources/nacos/source.ts", () => ({ createNacosSource: take }));
vi.mock("../../../../../src/registry-sync/sources/eureka/source.ts", () => ({ createEurekaSource: take }));
vi.mock("../../../../../src/registry-sync/sources/kubernetes/source.ts", () => ({ createKubernetesSource: take }));
vi.mock("../../../../../src/registry-sync/sources/file/source.ts", () => ({ createFileSource: take }));
vi.mock("../../../../../src/cli/mesh/shaping.ts", () => ({ shaped: (source: object) => source }));

test.each([
  "zookeeper://10.0.0.1:2181",
  "nacos://10.0.0.1:8848",
  "eureka://10.0.0.1:8761",
  "kubernetes:///nowhere/config",
  "file:///nowhere",
])("the source of %s goes by a clock that does not step", async (url) => {
  given.length = 0;
  const registry = resolveRegistry({ url, name: "r" }, "", {}, () => {});
  const config = { registries: [registry], proxy: { dubbo: [20_880], tri: [] } } as unknown as TrestleConfig;
  const [opened] = await openRegistries(config, () => false, silentLogger);
  expect(opened!.source.name).toBe("r");
  expect(given).toHaveLength(1);
  expect(given[0]!.clock).toBe(steadyClock);
});
