import type { NodeText } from "../../codecs/xds/discovery.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { ServedSet } from "../../codecs/xds/served.ts";
import type { Finding } from "../../model/entry.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { createDubboXdsCompiler } from "./dubbo-xds/target.ts";
import { envoyNode } from "./envoy/node.ts";
import { createEnvoyCompiler } from "./envoy/target.ts";
import { tcpServices } from "./envoy/tcp.ts";
import { takesVirtualHosts, withVirtualHosts } from "./envoy/virtual-hosts.ts";
import { withoutSecrets } from "./envoy/without-secrets.ts";
import { createGrpcCompiler } from "./grpc/target.ts";
import { ignoredRouters } from "./ignored-routers.ts";
import { ToldFindings } from "./told-findings.ts";
import { ignoredClaims } from "./without-tokens.ts";

/** What a client of the xDS server is, and so which form its resources have. */
export type ClientKind = "trestle" | "envoy" | "grpc" | "dubbo-xds";

/**
 * Tells what a client is. Metadata `GENERATOR` says it outright (`grpc`, as Istio has it, `envoy`, `dubbo-xds`); else the user agent does:
 * `envoy`, `trestle`, `gRPC ...`. A node with neither whose id is a sidecar's is dubbo-xds, which says nothing else; any other an Envoy.
 */
export function clientKind({
  id,
  metadata,
  userAgentName,
}: Pick<NodeText, "id" | "metadata" | "userAgentName">): ClientKind {
  const generator = metadata["GENERATOR"];
  if (generator === "grpc" || generator === "envoy" || generator === "dubbo-xds") return generator;
  const agent = userAgentName.toLowerCase();
  if (agent === "trestle") return "trestle";
  if (agent.startsWith("grpc")) return "grpc";
  return agent === "" && id.startsWith("sidecar~") ? "dubbo-xds" : "envoy";
}

/** Where resources of a proxy come from that are made into those of other clients. */
export interface ServedInputs {
  /** Undefined while nothing is known yet. */
  readonly snapshot: () => Snapshot | undefined;
  /** The resources of a proxy that has this client's place in the mesh, and no listeners but those of gateways. */
  readonly compile: (snapshot: Snapshot, node: NodeText) => ResourceSet;
}

/** What other clients than Trestle proxies are given, and what is to be said of them. */
export interface ServedSource {
  /** The set for a client; undefined while nothing is known yet, and for a Trestle proxy, whose resources need no other form. */
  resourcesFor(node: NodeText & { readonly identity?: string; readonly isDeltaAds?: boolean }): ServedSet | undefined;
  /** Of all clients that were given resources of the newest snapshot: what rules ask for and they cannot do, each once. */
  findings(): readonly Finding[];
}

/** Joins the compilers of all kinds of clients. Clients of one kind that say the same of themselves are given the same set. */
export function createServedSource({ snapshot, compile }: ServedInputs): ServedSource {
  const [envoy, grpc, dubbo] = [createEnvoyCompiler(), createGrpcCompiler(), createDubboXdsCompiler()];
  const told = new ToldFindings();
  return {
    resourcesFor(node) {
      const kind = clientKind(node);
      const now = snapshot();
      if (now === undefined || kind === "trestle") return undefined;
      const resources = compile(now, node);
      const routers = ignoredRouters(resources, now.entries, kind);
      told.tell(now, routers);
      // A gateway of Envoy's looks at tokens.
      if (kind !== "envoy" || envoyNode(node).role !== "gateway") told.tell(now, ignoredClaims(resources, kind));
      switch (kind) {
        case "grpc":
          return grpc(resources, now.entries);
        case "dubbo-xds":
          return dubbo(resources, now.entries);
        case "envoy": {
          const own = envoyNode(node);
          const namespace = String(node.metadata["NAMESPACE"] ?? now.mesh.namespace);
          const tcp = tcpServices(now.rules, { namespace, labels: own.labels });
          const { set, findings } = envoy(resources, now.entries, own, tcp);
          // Without TLS nobody is told secrets.
          const given = node.identity === undefined ? withoutSecrets(set) : { set, findings: [] };
          told.tell(now, findings, given.findings);
          return takesVirtualHosts(node) ? withVirtualHosts(given.set) : given.set;
        }
        default:
          return kind satisfies never;
      }
    },
    findings: () => told.of(snapshot()),
  };
}
