import type { AuthzConfigs } from "../../codecs/xds/authz.ts";
import type { Entry } from "../../model/entry.ts";
import type { MeshSettings } from "../../model/mesh.ts";
import type { Rule } from "../../model/rule.ts";
import type { Sidecar } from "../../model/rules/sidecar.ts";
import { contentVersion } from "../../model/snapshot.ts";
import { withAttachedRules } from "../rules/attached-rules.ts";
import { type RuleClient, selectsLabels } from "../rules/client.ts";
import { mergeDelegates } from "../rules/delegates.ts";
import { type EntryIndex, hostMatches, indexRules, type RuleIndex } from "../rules/hosts.ts";
import { type AuthorizationIndex, indexAuthorization } from "./authorization.ts";

/** Kinds that say nothing of who may call. */
const ROUTING: ReadonlySet<string> = new Set(["VirtualService", "DestinationRule", "Sidecar", "Gateway", "MetaRouter"]);

/** Kinds that say it only together with a policy that names one of them. */
const NAMED: ReadonlySet<string> = new Set(["ServiceEntry", "WorkloadEntry", "PeerAuthentication", "RestMapping"]);

/** Kinds whose change concerns the services that their hosts mean, and no others. */
const OF_HOSTS: ReadonlySet<string> = new Set(["VirtualService", "DestinationRule", "MetaRouter"]);

/** Kinds that views look at by other ways, or not at all: what some of them make are services, which change by themselves. */
const ELSEWHERE: ReadonlySet<string> = new Set(["Sidecar", "Gateway", ...NAMED]);

/** Which services another set of rules concerns. */
export interface RuleChanges {
  /** Any may look different. */
  readonly all: boolean;
  /** Hosts that changed rules name, in lower case: of services, and of destinations that no service is known for. */
  readonly texts: readonly string[];
}

const configs = new WeakMap<AuthorizationIndex, WeakMap<Entry, { readonly made: AuthzConfigs | undefined }>>();

/** The rules of one moment, ready for use by all views. What did not change since the moment before is the same object. */
export class RuleWorld {
  /** Those of all APIs as VirtualServices, delegates merged; oldest first. */
  readonly rules: readonly Rule[];
  readonly mesh: MeshSettings;
  readonly policies: AuthorizationIndex;
  /** Protocols that are carried, joined. */
  readonly protocols: string;
  readonly #indexes = new Map<string, RuleIndex>();
  #selecting: readonly Rule[] | undefined;
  #sidecarKeys: Map<Sidecar, string> | undefined;
  #changes: { readonly since: RuleWorld; readonly changes: RuleChanges } | undefined;
  readonly #policed: readonly Rule[];

  constructor(rules: readonly Rule[], mesh: MeshSettings, protocols: string, before?: RuleWorld) {
    const known = new Map((before?.rules ?? []).map((rule) => [contentVersion(rule), rule]));
    this.rules = mergeDelegates(withAttachedRules(rules)).map((rule) => known.get(contentVersion(rule)) ?? rule);
    this.mesh = mesh;
    this.protocols = protocols;
    const policed = this.rules.filter(({ kind }) => !ROUTING.has(kind));
    this.#policed = policed.every(({ kind }) => NAMED.has(kind)) ? [] : policed;
    const isSame = before !== undefined && before.mesh === mesh && sameElements(before.#policed, this.#policed);
    this.policies = isSame ? before.policies : indexAuthorization(this.rules, mesh);
  }

  /** The rules that a client sees; clients that see the same share the index. */
  indexOf(client: RuleClient): RuleIndex {
    this.#selecting ??= this.rules.filter((rule) => rule.kind === "DestinationRule" && rule.workloadSelector);
    const { namespace, labels } = client;
    const chosen = this.#selecting.flatMap((rule, i) =>
      rule.kind === "DestinationRule" && rule.namespace === namespace && selectsLabels(rule.workloadSelector!, labels)
        ? [i]
        : [],
    );
    const key = `${namespace} ${chosen.join()}`;
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = indexRules(this.rules, client);
      this.#indexes.set(key, index);
    }
    return index;
  }

  /** Who may call a service; undefined where nobody restricts that. The same while service and policies stay. */
  policiesOf(entry: Entry): AuthzConfigs | undefined {
    let ofAll = configs.get(this.policies);
    if (ofAll === undefined) {
      ofAll = new WeakMap();
      configs.set(this.policies, ofAll);
    }
    let found = ofAll.get(entry);
    if (found === undefined) {
      const made = this.policies.configsOf(entry);
      found = { made: made === undefined || Object.keys(made).length === 0 ? undefined : made };
      ofAll.set(entry, found);
    }
    return found.made;
  }

  /** What tells a Sidecar apart from the others, and stays when its content changes. Two sources may have one name each. */
  sidecarKey(sidecar: Sidecar): string {
    if (this.#sidecarKeys === undefined) {
      this.#sidecarKeys = new Map();
      const counts = new Map<string, number>();
      for (const rule of this.rules) {
        if (rule.kind !== "Sidecar") continue;
        const name = `${rule.namespace}/${rule.name}`;
        const count = counts.get(name) ?? 0;
        counts.set(name, count + 1);
        this.#sidecarKeys.set(rule, `${name} ${count}`);
      }
    }
    return this.#sidecarKeys.get(sidecar) ?? `${sidecar.namespace}/${sidecar.name}`;
  }

  /** What these rules change for services since others. */
  changesSince(since: RuleWorld): RuleChanges {
    if (this.#changes?.since !== since) this.#changes = { since, changes: compare(since, this) };
    return this.#changes.changes;
  }
}

function compare(before: RuleWorld, after: RuleWorld): RuleChanges {
  const all = { all: true, texts: [] };
  if (before.policies !== after.policies || before.protocols !== after.protocols || before.mesh !== after.mesh)
    return all;
  const old = new Set(before.rules);
  const now = new Set(after.rules);
  const changed = [...before.rules.filter((rule) => !now.has(rule)), ...after.rules.filter((rule) => !old.has(rule))];
  // Of rules for one host the older holds: those that stay have to stay in their order.
  const stayed = before.rules.filter((rule) => now.has(rule));
  const staying = after.rules.filter((rule) => old.has(rule));
  if (!sameElements(stayed, staying)) return all;
  const texts = new Set<string>();
  for (const rule of changed) {
    if (ELSEWHERE.has(rule.kind)) continue;
    if (!OF_HOSTS.has(rule.kind)) return all;
    for (const host of hostsOf(rule)) texts.add(host.toLowerCase());
  }
  return { all: false, texts: [...texts] };
}

function hostsOf(rule: Rule): readonly string[] {
  if (rule.kind === "DestinationRule") return [rule.host];
  return "hosts" in rule ? rule.hosts : [];
}

const meant = new WeakMap<RuleChanges, { readonly of: readonly Entry[]; readonly found: readonly Entry[] }>();

/** The services that changes concern, found once for all views. */
export function servicesMeant(changes: RuleChanges, index: EntryIndex, entries: readonly Entry[]): readonly Entry[] {
  const known = meant.get(changes);
  if (known?.of === entries) return known.found;
  const found = new Set<Entry>();
  for (const text of changes.texts) {
    if (text.includes("*")) {
      for (const entry of entries) if (hostMatches(text, entry)) found.add(entry);
      continue;
    }
    const one = index.byHost(text);
    for (const named of [...(one === undefined ? [] : [one]), ...index.byInterface(text)]) {
      found.add(named);
      for (const further of index.furtherOf(named.host)) found.add(further);
    }
  }
  meant.set(changes, { of: entries, found: [...found] });
  return [...found];
}

function sameElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((element, i) => element === b[i]);
}
