import { createZookeeperFacade } from "../../../registry-sync/facades/zookeeper.ts";
import type { OpenFacadeOf } from "./facade-parts.ts";

/** A facade that speaks ZooKeeper's protocol, in front of a ZooKeeper or the embedded registry. */
export const openZookeeperFacade: OpenFacadeOf = ({
  config,
  upstream,
  context,
  clock,
  log,
  onFinding,
  onRemoval,
  onLogin,
}) =>
  createZookeeperFacade({
    listen: { host: config.host, port: config.port },
    upstream,
    context,
    allow: config.allow,
    clock,
    log,
    onFinding,
    onRemoval,
    onLogin,
  });
