import type { Position } from "../../base/errors.ts";
import type { PolicyRule } from "../../model/rule.ts";

/** Whose policy could not be read. */
export interface UnreadPolicy {
  readonly kind: PolicyRule["kind"];
  readonly name: string;
  readonly namespace: string;
  readonly position: Position;
}

/** Name of a policy that does not say its own so that it can be read. */
export const UNNAMED = "unnamed";

const KIND = /\bkind["']?\s*:\s*["']?(AuthorizationPolicy|DubboAuthorizationPolicy|PeerAuthentication)\b/g;
const NAMESPACE = /\bnamespace["']?\s*:\s*["']?([a-z0-9][a-z0-9.-]{0,252})/g;

/**
 * What stands in for a policy that is wrong, where no right one was before: nobody may call what it may have kept from being called, which
 * is all of its namespace, since its selector may be what is wrong. Undefined for kinds that keep nobody out by themselves.
 */
export function closedPolicy({ kind, name, namespace, position }: UnreadPolicy): PolicyRule | undefined {
  const at = { position, fields: {} };
  const identity = { at, name, namespace, createdAtMs: undefined };
  if (kind === "PeerAuthentication") return { kind, ...identity, selector: undefined, mode: "STRICT", portModes: {} };
  if (kind !== "AuthorizationPolicy" && kind !== "DubboAuthorizationPolicy") return undefined;
  const all = { selector: undefined, targets: [], rules: [{ at }] };
  return { kind, ...identity, ...all, action: "DENY", provider: undefined, dryRun: false };
}

/** The same for a text that is no YAML: for each kind of policies, and each namespace that a document with it names. */
export function closedPoliciesIn(text: string, position: Position): PolicyRule[] {
  const closed = new Map<string, PolicyRule>();
  for (const document of text.split(/^---/m)) {
    const named = Array.from(document.matchAll(NAMESPACE), ([, namespace]) => namespace!);
    for (const [, kind] of document.matchAll(KIND))
      for (const namespace of named.length === 0 ? ["default"] : named) {
        const policy = closedPolicy({ kind: kind as PolicyRule["kind"], name: UNNAMED, namespace, position });
        if (policy !== undefined) closed.set(`${kind} ${namespace}`, policy);
      }
  }
  return [...closed.values()];
}
