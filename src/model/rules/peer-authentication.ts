import type { RuleIdentity } from "./located.ts";

/** Whether a port takes calls in plain text, by mutual TLS, or both. */
export type MtlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

/** Istio's PeerAuthentication: what a workload's ports ask of those that connect to them. */
export interface PeerAuthentication extends RuleIdentity {
  readonly kind: "PeerAuthentication";
  /** Labels of the workloads that it is for, all of which must hold; undefined for its whole namespace. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Undefined takes over what holds for the namespace, else for the mesh. */
  readonly mode: MtlsMode | undefined;
  /** By the workload's own port; undefined takes over the workload's mode. */
  readonly portModes: Readonly<Record<string, MtlsMode | undefined>>;
}
