import type { Located, RuleIdentity } from "./located.ts";

/** Services that a proxy is to know, `NAMESPACE/host`: `.` for its own namespace, `*` for all, `~` for none; hosts with wildcards. */
export interface EgressListener extends Located {
  readonly hosts: readonly string[];
}

/** Istio's Sidecar: which services the proxies of some workloads are told of. */
export interface Sidecar extends RuleIdentity {
  readonly kind: "Sidecar";
  /** Absent: every workload of the namespace that no other Sidecar selects; in the root namespace, of all namespaces. */
  readonly workloadSelector?: Readonly<Record<string, string>>;
  /** Absent or empty: every service. */
  readonly egress: readonly EgressListener[];
  /** What becomes of calls to hosts that a proxy does not know; absent: the mesh's word. */
  readonly outboundTrafficPolicy?: "ALLOW_ANY" | "REGISTRY_ONLY";
}
