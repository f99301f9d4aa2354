import { describeFacade } from "../conformance/facades/run.ts";
import { zookeeperKind } from "../conformance/facades/zookeeper.ts";
import { describeKill, sharedRegistry } from "../conformance/shared-registry.ts";
import { describeSources } from "../conformance/sources/run.ts";
import {
  asApplication,
  asBoth,
  asDubbo,
  asSpring,
  startZookeeperRegistry,
  writtenBy,
} from "../conformance/sources/zookeeper.ts";

// The lists of all sources and of all facades over a real ZooKeeper 3.8: as Dubbo
// writes it, at interface level, at application level and at both, and as Spring Cloud does.
const registry = sharedRegistry(startZookeeperRegistry);
const written = {
  "zookeeper-dubbo": asDubbo,
  "zookeeper-application": asApplication,
  "zookeeper-both": asBoth,
  "zookeeper-spring": asSpring,
};
const sources = Object.entries(written).map(([kind, write]) =>
  describeSources(kind, ["zookeeper"], writtenBy(registry, kind, write)),
);
const users = describeFacade("zookeeper", zookeeperKind, registry);
describeKill(registry, [...sources, users]);
