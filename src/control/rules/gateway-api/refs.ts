import type { BackendDestination, ObjectRef } from "../../../model/rules/gateway-route.ts";
import type { Located } from "../../../model/rules/located.ts";

/** A reference as it stands in a route. */
export interface WrittenRef extends Located {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  /** Of parents. */
  readonly sectionName?: string;
}

/** `group/kind` of what routes may refer to. */
const KINDS: Readonly<Record<string, ObjectRef["kind"]>> = {
  "/Service": "Service",
  "networking.istio.io/ServiceEntry": "ServiceEntry",
  "networking.istio.io/Hostname": "Hostname",
};

/** What a reference names; its `group/kind` where that is none of those that count. `groupless` is the group of one without. */
export function readRef(ref: WrittenRef, namespace: string, groupless: string, kindless: string): ObjectRef | string {
  const { at, group = groupless, kind = kindless, name } = ref;
  const known = KINDS[`${group}/${kind}`];
  return known === undefined ? `${group}/${kind}` : { at, kind: known, name, namespace: ref.namespace ?? namespace };
}

/**
 * The host that a reference means where no rule defines its object: a Service's DNS name; of a ServiceEntry its name, which for those that
 * Trestle writes is the host.
 */
export function hostOfRef({ kind, name, namespace }: ObjectRef): string {
  return kind === "Service" ? `${name}.${namespace}.svc.cluster.local` : name;
}

/** A reference as a destination. */
export function destinationOf(ref: ObjectRef, number: number | undefined): BackendDestination {
  return { at: ref.at, host: hostOfRef(ref), ref, ...(number !== undefined && { port: { number } }) };
}
