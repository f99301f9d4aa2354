import { createZookeeperSource } from "../../../registry-sync/sources/zookeeper/source.ts";
import { serviceRootsOf } from "../../config/zookeeper-query.ts";
import type { OpenSource } from "./source-parts.ts";

/** A ZooKeeper registry, or the embedded one, which speaks the same protocol. */
export const openZookeeper: OpenSource = ({ config, hosts, ...parts }) => {
  const [services, ...springRoots] = serviceRootsOf(config.query);
  return createZookeeperSource({
    ...parts,
    name: config.name,
    hosts,
    chroot: config.chroot,
    root: config.root,
    services,
    springRoots,
    ...(config.username !== "" && { auth: { username: config.username, password: config.password } }),
  });
};
