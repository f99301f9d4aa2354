import type { Entry } from "../../model/entry.ts";
import type { Rule, VirtualService } from "../../model/rule.ts";
import type { Sidecar } from "../../model/rules/sidecar.ts";
import { isSeen, type RuleClient, selectsLabels } from "./client.ts";
import { hostMatches, type NamedService } from "./hosts.ts";

/** Which services and VirtualServices a proxy is told of. */
export interface Scope {
  /** The Sidecar that says so; undefined where none does. */
  readonly sidecar: Sidecar | undefined;
  sees(entry: NamedService & Pick<Entry, "exportTo">): boolean;
  takes(rule: VirtualService): boolean;
}

/**
 * The Sidecar that holds for a client: one of its namespace that selects its labels, else the one there without a selector, else the
 * one of the root namespace; the oldest of several. None for a proxy that many callers share: it serves whoever is led to it.
 */
export function sidecarOf(rules: readonly Rule[], client: RuleClient): Sidecar | undefined {
  if (client.isShared) return undefined;
  const sidecars = rules.filter((rule) => rule.kind === "Sidecar");
  const own = sidecars.filter(({ namespace }) => namespace === client.namespace);
  return (
    own.find(
      ({ workloadSelector }) => workloadSelector !== undefined && selectsLabels(workloadSelector, client.labels),
    ) ??
    own.find(({ workloadSelector }) => workloadSelector === undefined) ??
    sidecars.find(
      ({ namespace, workloadSelector }) => namespace === client.mesh.rootNamespace && workloadSelector === undefined,
    )
  );
}

/** What a client is told of, a function of its arguments alone. */
export function scopeOf(rules: readonly Rule[], client: RuleClient): Scope {
  const sidecar = sidecarOf(rules, client);
  const { namespace, mesh } = client;
  const wanted = (sidecar?.egress ?? []).flatMap(({ hosts }) => hosts).map((text) => splitHost(text, namespace));
  const isNarrow = wanted.length > 0 && !wanted.some((one) => one.namespace === "*" && one.host === "*");
  const ofNamespace = (own: string) => wanted.filter((one) => one.namespace === "*" || one.namespace === own);
  return {
    sidecar,
    sees(entry) {
      const own = entry.namespace ?? mesh.namespace;
      if (!isSeen(entry.exportTo, own, namespace)) return false;
      return !isNarrow || ofNamespace(own).some(({ host }) => hostMatches(host, entry));
    },
    takes: (rule) =>
      !isNarrow || ofNamespace(rule.namespace).some(({ host }) => rule.hosts.some((own) => overlaps(host, own))),
  };
}

function splitHost(text: string, own: string): { readonly namespace: string; readonly host: string } {
  const slash = text.indexOf("/");
  const namespace = text.slice(0, slash);
  return { namespace: namespace === "." ? own : namespace, host: text.slice(slash + 1).toLowerCase() };
}

/** Whether some host can be meant by both. */
function overlaps(a: string, b: string): boolean {
  const other = b.toLowerCase();
  return a === other || covers(a, other) || covers(other, a);
}

function covers(wide: string, narrow: string): boolean {
  if (wide === "*") return true;
  if (wide.startsWith("*")) return narrow.endsWith(wide.slice(1));
  return wide.endsWith("*") && narrow.startsWith(wide.slice(0, -1));
}
