import { DEFAULT_MESH, type Locality, type MeshSettings } from "../../model/mesh.ts";
import type { ExportTo } from "../../model/rules/located.ts";

/** Whose calls rules are for: what is known of a proxy, and of the workload that it stands beside. */
export interface RuleClient {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality | undefined;
  /** Several callers share the proxy: nothing that its labels say holds for one of them. */
  readonly isShared: boolean;
  /** It stands beside the facades, and serves whoever they lead to it: no Sidecar narrows it. */
  readonly isEmbedded?: boolean;
  readonly mesh: MeshSettings;
}

/** A proxy of the mesh's own namespace beside the facades, that many callers share: what analysis asks for. */
export function meshClient(mesh: MeshSettings = DEFAULT_MESH): RuleClient {
  return { namespace: mesh.namespace, labels: {}, locality: undefined, isShared: true, isEmbedded: true, mesh };
}

/** Whether what is exported by an object of namespace `own` is seen in `namespace`. */
export function isSeen(exportTo: ExportTo | undefined, own: string, namespace: string): boolean {
  if (exportTo === undefined || exportTo.length === 0) return true;
  return exportTo.some((to) => to === "*" || (to === "." ? own : to) === namespace);
}

/** Whether every label of a selector is one of `labels`; an empty selector takes all. */
export function selectsLabels(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}
