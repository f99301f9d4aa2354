import { createEurekaFacade } from "../../../registry-sync/facades/eureka.ts";
import type { OpenFacadeOf } from "./facade-parts.ts";

/** A facade that speaks Eureka's REST interface, in front of Eureka servers. */
export const openEurekaFacade: OpenFacadeOf = ({ config, registry, upstream, context, clock, log, ...parts }) =>
  createEurekaFacade({
    listen: { host: config.host, port: config.port },
    path: registry.chroot,
    allow: config.allow,
    ...{ upstream, context, clock, log, onRemoval: parts.onRemoval, onLogin: parts.onLogin },
  });
