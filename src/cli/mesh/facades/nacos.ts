import { createNacosFacade } from "../../../registry-sync/facades/nacos.ts";
import type { OpenFacadeOf } from "./facade-parts.ts";

/** Clients that are sent away register elsewhere once they are connected, every 3 s: so long, and as much more as a busy machine needs, their instances stand. */
const LEAVE_MS = 4_500;

/** A facade that speaks Nacos' gRPC and HTTP, in front of a Nacos. */
export const openNacosFacade: OpenFacadeOf = ({
  config,
  registry,
  upstream,
  context,
  clock,
  log,
  onFinding,
  onRemoval,
  onLogin,
  isVouched,
}) =>
  createNacosFacade({
    listen: { host: config.host, port: config.port },
    upstream,
    context,
    path: registry.chroot,
    ...(registry.query["namespace"] !== undefined && { namespace: registry.query["namespace"] }),
    allow: config.allow,
    leaveMs: LEAVE_MS,
    clock,
    log,
    onFinding,
    onRemoval,
    onLogin,
    isVouched,
  });
