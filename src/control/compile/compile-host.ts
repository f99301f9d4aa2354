import type { VirtualHost } from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import type { VirtualService } from "../../model/rule.ts";
import type { Destination } from "../../model/rules/http-route.ts";
import type { RuleClient } from "../rules/client.ts";
import { type EntryIndex, type RuleIndex, resolveDestination } from "../rules/hosts.ts";
import { isHttpService } from "../rules/http-service.ts";
import { lowerHttpService } from "../rules/lower/http.ts";
import { lowerService, unknownHost } from "../rules/lower/lower.ts";
import { effectivePolicy, findSubset, lowerHash } from "../rules/lower/traffic.ts";
import { type ClusterNeed, clusterName, clusterNameOf } from "./clusters.ts";
import { usualPort } from "./endpoints.ts";
import { compileVirtualHost, type HashOf } from "./routes.ts";
import type { Variants } from "./variants.ts";

/** A service's virtual host and what it leads to. */
export interface CompiledHost {
  readonly virtualHost: VirtualHost;
  /** Whether the rule makes routes of its own: where no call can meet it, its destinations are not needed. */
  readonly isRouted: boolean;
  readonly clusters: readonly ClusterNeed[];
}

/** What a virtual host is compiled from beside its service and rule. */
export interface HostContext {
  readonly index: EntryIndex;
  readonly rules: RuleIndex;
  readonly client: RuleClient;
}

/** Compiles a service's virtual host, or gives what `cache` has where nothing that it depends on changed. */
export function compileHost(
  entry: Entry,
  rule: VirtualService | undefined,
  { index, rules, client }: HostContext,
  cache: Variants<CompiledHost>,
): CompiledHost {
  const needs: ClusterNeed[] = [];
  if (rule !== undefined) {
    for (const { destination, subset } of destinationsOf(rule)) {
      const called = resolveDestination(destination, entry, index);
      const host = called?.host ?? unknownHost(destination);
      const name = called === undefined ? clusterName(20_880, subset, host) : clusterNameOf(called, subset);
      needs.push({ name, entry: called, host, subset });
    }
  }
  const hashOf: HashOf = ({ host, subset }) => {
    const called = host === entry.host ? entry : index.byHost(host);
    return called === undefined ? [] : hashPolicyOf(called, subset, rules);
  };
  const destinations = JSON.stringify([
    hashOf({ host: entry.host, subset: "" }),
    needs.map(({ name, host, subset }) => [name, hashOf({ host, subset })]),
  ]);
  const known = cache.get(entry, rule, `${callerOf(rule, client)} ${destinations}`, () =>
    compile(entry, rule, { index, rules, client }, hashOf),
  );
  // Entries of the destinations may be new objects of the same name, so `clusters` is always today's.
  return needs.length === 0 ? known : { ...known, clusters: known.isRouted ? needs : [] };
}

function compile(
  entry: Entry,
  rule: VirtualService | undefined,
  { index, client }: HostContext,
  hashOf: HashOf,
): CompiledHost {
  const isHashed = (target: { readonly host: string; readonly subset: string }) => hashOf(target).length > 0;
  const lowered = (isHttpService(entry) ? lowerHttpService : lowerService)(entry, rule, index, { client, isHashed });
  const virtualHost = compileVirtualHost(
    entry,
    lowered,
    ({ host, subset }) => {
      const called = host === entry.host ? entry : index.byHost(host);
      return called === undefined ? clusterName(20_880, subset, host) : clusterNameOf(called, subset);
    },
    hashOf,
  );
  const isRouted = lowered.routes.length > 0;
  return { virtualHost, isRouted, clusters: [] };
}

const askedOfCallers = new WeakMap<
  VirtualService,
  { readonly labels: readonly string[]; readonly namespace: boolean }
>();

/** What of a client the routes of a rule depend on; `""` for nothing. */
function callerOf(rule: VirtualService | undefined, { labels, namespace, isShared }: RuleClient): string {
  if (rule === undefined) return "";
  let asked = askedOfCallers.get(rule);
  if (asked === undefined) {
    const matches = rule.http.flatMap(({ match = [] }) => match);
    asked = {
      labels: [...new Set(matches.flatMap(({ sourceLabels = {} }) => Object.keys(sourceLabels)))].sort(),
      namespace: matches.some(({ sourceNamespace = "" }) => sourceNamespace !== ""),
    };
    askedOfCallers.set(rule, asked);
  }
  const said = asked.labels.map((name) => (Object.hasOwn(labels, name) ? labels[name] : null));
  return JSON.stringify([isShared, said, asked.namespace && namespace]);
}

/** What the hash of a service's calls is made from by the DestinationRule in force. */
export function hashPolicyOf(entry: Entry, subset: string, rules: RuleIndex): ReturnType<HashOf> {
  const rule = rules.destinationRules.find(entry);
  if (rule === undefined) return [];
  const policy = effectivePolicy(rule, subset === "" ? undefined : findSubset(rule, subset), usualPort(entry));
  return lowerHash(policy?.loadBalancer?.consistentHash);
}

interface WantedDestination {
  readonly destination: Pick<Destination, "host" | "port">;
  readonly subset: string;
}

const destinationLists = new WeakMap<VirtualService, readonly WantedDestination[]>();

/** Every host that a rule's destinations name, in lower case. */
export function destinationHosts(rule: VirtualService): readonly string[] {
  return destinationsOf(rule).map(({ destination }) => destination.host);
}

/** Every destination that a rule names, its host in lower case, each once. */
function destinationsOf(rule: VirtualService): readonly WantedDestination[] {
  const known = destinationLists.get(rule);
  if (known !== undefined) return known;
  const list = new Map<string, WantedDestination>();
  for (const { route = [], mirrors = [] } of rule.http) {
    for (const { destination } of [...route, ...mirrors]) {
      const { port, subset = "" } = destination;
      const host = destination.host.toLowerCase();
      list.set(`${host}|${port?.number ?? ""}|${subset}`, { destination: { host, ...(port && { port }) }, subset });
    }
  }
  const destinations = [...list.values()];
  destinationLists.set(rule, destinations);
  return destinations;
}
