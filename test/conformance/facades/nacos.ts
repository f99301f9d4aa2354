import { createNacosFacade } from "../../../src/registry-sync/facades/nacos.ts";
import { hosts } from "../../support/netns.ts";
import { createNacosGrpcUser } from "./nacos-grpc.ts";
import { createNacosHttpUser } from "./nacos-http.ts";
import type { FacadeKind } from "./users.ts";

/** Clients of 2.x and 3.x by gRPC, of 1.x by HTTP with pushes over UDP, and the second version of HTTP. */
export const nacosKind: FacadeKind = {
  above: [0, 1_000],
  // A server's push over UDP comes from the address that it is sent to, where all addresses are one machine's: that of the network.
  host: hosts.relay,
  open: (listen, upstream, context, allow = []) => createNacosFacade({ listen, upstream: [upstream], context, allow }),
  users: {
    grpc: createNacosGrpcUser,
    "http v1": (at) => createNacosHttpUser(at, "v1"),
    "http v2": (at) => createNacosHttpUser(at, "v2"),
  },
};
