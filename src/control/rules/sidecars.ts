import { type Entry, hostnameOf } from "../../model/entry.ts";
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
 * one of the root namespace; the oldest of several. None for a proxy beside the facades: it serves whoever is led to it.
 */
export function sidecarOf(
  rules: readonly Rule[],
  { namespace, labels, mesh, isEmbedded }: RuleClient,
): Sidecar | undefined {
  if (isEmbedded === true) return undefined;
  const { selecting, others } = sidecarsOf(rules);
  let found: Placed | undefined;
  const candidates = Object.entries(labels).map(([name, value]) => selectorKey(namespace, name, value));
  for (const key of [...candidates, selectorKey(namespace)])
    for (const one of selecting.get(key) ?? [])
      if ((found === undefined || one.place < found.place) && selectsLabels(one.sidecar.workloadSelector!, labels))
        found = one;
  return found?.sidecar ?? others.get(namespace) ?? others.get(mesh.rootNamespace);
}

interface Placed {
  readonly place: number;
  readonly sidecar: Sidecar;
}

interface SidecarIndex {
  /** Those with a selector, by namespace and the selector's first label. */
  readonly selecting: ReadonlyMap<string, readonly Placed[]>;
  /** By namespace the oldest without one. */
  readonly others: ReadonlyMap<string, Sidecar>;
}

const indexes = new WeakMap<readonly Rule[], SidecarIndex>();

function sidecarsOf(rules: readonly Rule[]): SidecarIndex {
  let index = indexes.get(rules);
  if (index === undefined) {
    const selecting = new Map<string, Placed[]>();
    const others = new Map<string, Sidecar>();
    rules.forEach((sidecar, place) => {
      if (sidecar.kind !== "Sidecar") return;
      const { namespace, workloadSelector } = sidecar;
      if (workloadSelector === undefined) {
        if (!others.has(namespace)) others.set(namespace, sidecar);
        return;
      }
      const key = selectorKey(namespace, ...(Object.entries(workloadSelector)[0] ?? []));
      const known = selecting.get(key);
      if (known === undefined) selecting.set(key, [{ place, sidecar }]);
      else known.push({ place, sidecar });
    });
    index = { selecting, others };
    indexes.set(rules, index);
  }
  return index;
}

function selectorKey(...parts: readonly string[]): string {
  return parts.join("\n");
}

/** What a client for which this Sidecar holds is told of, a function of its arguments alone. */
export function scopeOf(sidecar: Sidecar | undefined, client: Pick<RuleClient, "namespace" | "mesh">): Scope {
  const { namespace, mesh } = client;
  const wanted = (sidecar?.egress ?? []).flatMap(({ hosts }) => hosts).map((text) => splitHost(text, namespace));
  const isNarrow = wanted.length > 0 && !wanted.some((one) => one.namespace === "*" && one.host === "*");
  const ofNamespace = (own: string) => wanted.filter((one) => one.namespace === "*" || one.namespace === own);
  const hosts = new Map<string, WantedHosts>();
  const hostsOf = (own: string): WantedHosts => {
    let found = hosts.get(own);
    if (found === undefined) {
      const texts = ofNamespace(own).map(({ host }) => host);
      const isWide = (text: string) => text.includes("*");
      found = { exact: new Set(texts.filter((text) => !isWide(text))), wide: texts.filter(isWide) };
      hosts.set(own, found);
    }
    return found;
  };
  return {
    sidecar,
    sees(entry) {
      const own = entry.namespace ?? mesh.namespace;
      if (!isSeen(entry.exportTo, own, namespace)) return false;
      if (!isNarrow) return true;
      const { exact, wide } = hostsOf(own);
      if (exact.has(hostnameOf(entry)) || exact.has(entry.service.interface.toLowerCase())) return true;
      return wide.some((host) => hostMatches(host, entry));
    },
    takes: (rule) =>
      !isNarrow || ofNamespace(rule.namespace).some(({ host }) => rule.hosts.some((own) => overlaps(host, own))),
  };
}

interface WantedHosts {
  readonly exact: ReadonlySet<string>;
  readonly wide: readonly string[];
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
