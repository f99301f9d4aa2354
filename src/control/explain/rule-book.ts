import { printAddress } from "../../base/address.ts";
import type { VirtualHost } from "../../codecs/xds/route.ts";
import { type Entry, hostnameOf } from "../../model/entry.ts";
import { printPlace, type Rule, type VirtualService } from "../../model/rule.ts";
import type { HttpMatch } from "../../model/rules/http-route.ts";
import { printServiceKey } from "../../model/service.ts";
import { withAttachedRules } from "../rules/attached-rules.ts";
import { isSeen, meshClient, type RuleClient } from "../rules/client.ts";
import { mergeDelegates } from "../rules/delegates.ts";
import { hostMatches, indexRules } from "../rules/hosts.ts";
import { isHttpService } from "../rules/http-service.ts";
import { lowerInMesh } from "../rules/lower/http.ts";
import { lowerMatch } from "../rules/lower/lower.ts";
import { restMappingOf } from "../rules/rest-entries.ts";
import { RULES_ORIGIN } from "../rules/service-entries.ts";
import { type Scope, scopeOf, sidecarOf } from "../rules/sidecars.ts";
import type { PassedOver } from "./explanation.ts";
import type { Known } from "./known.ts";

/** Most rules that one explanation names as passed over. */
export const MAX_PASSED_OVER = 20;

/** Which rules are in force, where they stand, and which are not, for the proxy that is explained. */
export interface RuleBook {
  /** As they are compiled: those of all APIs as VirtualServices, delegates merged; the oldest first. */
  readonly rules: readonly Rule[];
  readonly client: RuleClient;
  entryOf(host: string): Entry | undefined;
  /** The DestinationRule in force for the service of that host, with its place; `""` for none. */
  destinationRuleOf(host: string): string;
  /** The MetaRouter that limits calls of the service of that host, with its place; `""` for none. */
  limitsOf(host: string): string;
  /** What lists the service of that host: a ServiceEntry with its place, or the registry's name; `""` where that is not known. */
  listedBy(host: string): string;
  /** The RestMapping by which calls of that service become requests, with its place; `""` for none. */
  mappingOf(host: string): string;
  /** The proxy elsewhere that is explained, with the Sidecar that says what it is told of; undefined for that of the instance itself. */
  readonly from: string | undefined;
  /** Why the proxy is not told of a service that is asked for by its host, key or interface; undefined where there is none. */
  unseen(service: string): string | undefined;
  /** VirtualServices, and matches of the one in force, that name the service and have no route of its virtual host. */
  passedOver(host: VirtualHost): PassedOver[];
}

/** Opens the book of what is known; an empty one where nothing is. */
export function openRuleBook(known: Known | undefined): RuleBook {
  const plain = meshClient(known?.mesh);
  const client = known?.from === undefined ? plain : { ...plain, ...known.from, isShared: false, isEmbedded: false };
  const rules = mergeDelegates(withAttachedRules(known?.rules ?? []));
  const index = indexRules(rules, client);
  const scope = scopeOf(sidecarOf(rules, client), client);
  const entryOf = (host: string) => known?.entries.find((entry) => entry.host === host);
  return {
    rules,
    client,
    from: known?.from && describeFrom(known.from, scope),
    entryOf,
    unseen(service) {
      const wanted = service.toLowerCase();
      const names = ({ host, service: key }: Entry) => [host, printServiceKey(key), key.interface];
      const entry = known?.entries.find((one) => names(one).some((name) => name.toLowerCase() === wanted));
      if (entry === undefined || scope.sees(entry)) return undefined;
      const isExported = isSeen(entry.exportTo, entry.namespace ?? client.mesh.namespace, client.namespace);
      const by = isExported ? `${printRule(scope.sidecar)} leaves it out` : "its exportTo leaves out that namespace";
      return `a proxy of namespace ${client.namespace} is not told of ${service}: ${by}`;
    },
    destinationRuleOf(host) {
      const entry = entryOf(host);
      return printRule(entry && index.destinationRules.find(entry));
    },
    listedBy(host) {
      const entry = entryOf(host);
      const [origin = "", ...others] = new Set(entry?.endpoints.map((one) => one.origin));
      if (entry === undefined || origin !== RULES_ORIGIN || others.length > 0) return [origin, ...others].join(", ");
      const name = hostnameOf(entry);
      return printRule(
        rules.find((one) => one.kind === "ServiceEntry" && one.hosts.some((text) => text.toLowerCase() === name)),
      );
    },
    mappingOf(host) {
      const entry = entryOf(host);
      return entry?.mapped === true ? printRule(restMappingOf(entry.service, rules)) : "";
    },
    limitsOf(host) {
      const entry = entryOf(host);
      return printRule(entry && index.limits.find(entry));
    },
    passedOver({ name }) {
      const entry = entryOf(name);
      if (entry === undefined) return [];
      const inForce = index.virtualServices.find(entry, scope.takes);
      const others = rules.filter(
        (rule): rule is VirtualService =>
          rule.kind === "VirtualService" && rule !== inForce && rule.hosts.some((host) => hostMatches(host, entry)),
      );
      return [
        ...(inForce === undefined ? [] : unmeetable(inForce, entry, client)),
        ...others.map((rule) => ({ ...named(rule), why: whyNot(rule, inForce, { client, scope }) })),
        ...inRegistry(entry, inForce),
      ].slice(0, MAX_PASSED_OVER);
    },
  };
}

/** A rule as it is told of: `VirtualService default/orders (rules/a.yaml:1)`; `""` for none. */
export function printRule(rule: Rule | undefined): string {
  if (rule === undefined) return "";
  const { rule: name, at } = named(rule);
  return at === "" ? name : `${name} (${at})`;
}

/** A rule's kind and name, and where it stands; of one that other APIs' objects make, the first of these. */
export function named(made: Rule): Pick<PassedOver, "rule" | "at"> {
  const rule = (made.kind === "VirtualService" && made.attached?.[0]) || made;
  return { rule: `${rule.kind} ${rule.namespace}/${rule.name}`, at: printPlace(rule.at.position) };
}

function describeFrom({ namespace, labels }: NonNullable<Known["from"]>, { sidecar }: Scope): string {
  const list = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const beside = list.length === 0 ? "" : ` beside a workload with ${list.join(", ")}`;
  return `a proxy of namespace ${namespace}${beside}${sidecar === undefined ? "" : `, by ${printRule(sidecar)}`}`;
}

interface Seeing {
  readonly client: RuleClient;
  readonly scope: Scope;
}

function whyNot(rule: VirtualService, inForce: VirtualService | undefined, { client, scope }: Seeing): string {
  const { namespace } = client;
  if (!isSeen(rule.exportTo, rule.namespace, namespace))
    return `its exportTo (${rule.exportTo!.join(", ")}) leaves out namespace ${namespace}, which the proxy is of`;
  if (!rule.inMesh) return `it is for calls that come in by ${rule.gateways.join(", ")}`;
  if (!scope.takes(rule)) return `${printRule(scope.sidecar)} leaves it out`;
  return `${inForce!.name} names the service more narrowly, is exported to fewer namespaces, or is older`;
}

/** What the registry has for the service, and a VirtualService or the registry itself puts out of force. */
function inRegistry({ routing, endpoints }: Entry, inForce: VirtualService | undefined): PassedOver[] {
  const routers = inForce === undefined ? [] : [...new Set((routing?.steps ?? []).map(({ rule }) => rule))];
  return [
    ...routers.map((at) => ({
      rule: "conditions of the registry",
      at,
      why: `${inForce!.name} stands in place of them: a service with a VirtualService is led by that alone`,
    })),
    ...endpoints
      .filter(({ disabled }) => disabled)
      .map(({ address, port }) => ({
        rule: `provider ${printAddress(address, port)}`,
        at: "",
        why: "it is disabled, by its registration or by an override rule of the registry",
      })),
  ];
}

/** Matches of the rule in force that no call of the service by this proxy's callers can meet. */
function unmeetable(rule: VirtualService, entry: Entry, client: RuleClient): PassedOver[] {
  const lower = isHttpService(entry) ? lowerInMesh : lowerMatch;
  return rule.http.flatMap(({ name, match = [] }, position) =>
    match
      .filter((one) => lower(one, entry, client) === undefined)
      .map((one) => ({
        rule: `route ${rule.name}/${name ?? position}`,
        at: printPlace(one.at.position),
        why: `no call of ${hostnameOf(entry)} by this proxy's callers can meet its ${unmet(one, (part) => lower(part, entry, client) === undefined)}`,
      })),
  );
}

/** The fields of a match that cannot be met by themselves; all of them where it is only together that they cannot. */
export function unmet(match: HttpMatch, isUnmet: (part: HttpMatch) => boolean): string {
  const { at, name: _, ...fields } = match;
  const names = Object.keys(fields) as (keyof typeof fields)[];
  const alone = names.filter((key) => isUnmet({ at, [key]: fields[key] }));
  return (alone.length === 0 ? names : alone).join(", ");
}
