import type { Rule, VirtualService } from "../../model/rule.ts";
import type { HttpMatch, HttpRoute, TextMatch } from "../../model/rules/http-route.ts";
import { isSeen } from "./client.ts";

const merged = new WeakMap<readonly Rule[], readonly Rule[]>();

/**
 * The rules with the routes of delegates in place of those that refer to them, one level deep; the delegates themselves, which have no
 * hosts, stay as they are. A route whose delegate is not there, not seen or in conflict with every match is left out. The rules of
 * merging are Istio's (pilot/pkg/model/virtualservice.go). The same list gives the same list.
 */
export function mergeDelegates(rules: readonly Rule[]): readonly Rule[] {
  const known = merged.get(rules);
  if (known !== undefined) return known;
  const index = indexDelegates(rules);
  const result = rules.some((rule) => rule.kind === "VirtualService" && hasDelegates(rule))
    ? rules.map((rule) => (rule.kind === "VirtualService" && hasDelegates(rule) ? mergeRule(rule, index) : rule))
    : rules;
  merged.set(rules, result);
  return result;
}

/** VirtualServices that others may delegate to, as `namespace/name`; of two the older. */
export type DelegateIndex = ReadonlyMap<string, VirtualService>;

/** Indexes the VirtualServices without hosts. */
export function indexDelegates(rules: readonly Rule[]): DelegateIndex {
  const index = new Map<string, VirtualService>();
  for (const rule of rules) {
    if (rule.kind !== "VirtualService" || rule.hosts.length > 0) continue;
    const id = `${rule.namespace}/${rule.name}`;
    if (!index.has(id)) index.set(id, rule);
  }
  return index;
}

/** The rule that a route of `root` delegates to; undefined where it is not there or not seen. */
export function delegateOf(root: VirtualService, route: HttpRoute, index: DelegateIndex): VirtualService | undefined {
  if (route.delegate === undefined) return undefined;
  const found = index.get(`${route.delegate.namespace || root.namespace}/${route.delegate.name}`);
  return found !== undefined && isSeen(found.exportTo, found.namespace, root.namespace) ? found : undefined;
}

/** The rules that `root` has routes of. */
export function delegatesOf(root: VirtualService, index: DelegateIndex): readonly VirtualService[] {
  const found = root.http.flatMap((route) => {
    const delegate = delegateOf(root, route, index);
    return delegate?.http.some((one) => mergeRoute(route, one) !== undefined) === true ? [delegate] : [];
  });
  return [...new Set(found)];
}

function hasDelegates({ http }: VirtualService): boolean {
  return http.some(({ delegate }) => delegate !== undefined);
}

function mergeRule(root: VirtualService, index: DelegateIndex): VirtualService {
  const http = root.http.flatMap((route): readonly HttpRoute[] => {
    if (route.delegate === undefined) return [route];
    const delegate = delegateOf(root, route, index);
    return (delegate?.http ?? []).flatMap((one) => mergeRoute(route, one) ?? []);
  });
  return { ...root, http };
}

/** One route of a delegate under the route that refers to it; undefined where no call can meet both. */
export function mergeRoute(root: HttpRoute, one: HttpRoute): HttpRoute | undefined {
  if (one.delegate !== undefined) return undefined;
  const match = mergeMatches(root.match ?? [], one.match ?? []);
  if (match === undefined) return undefined;
  const { delegate: _, match: __, ...above } = root;
  const name = [root.name, one.name].filter((part) => part !== undefined && part !== "").join("-");
  return { ...above, ...one, ...(name !== "" && { name }), ...(match.length > 0 && { match }) };
}

function mergeMatches(roots: readonly HttpMatch[], ones: readonly HttpMatch[]): readonly HttpMatch[] | undefined {
  if (roots.length === 0) return ones;
  if (ones.length === 0) return roots;
  const all: HttpMatch[] = [];
  for (const one of ones) {
    const fitting = roots.filter((root) => !inConflict(root, one));
    if (fitting.length === 0) return undefined;
    for (const root of fitting) all.push(mergeMatch(root, one));
  }
  return all;
}

function mergeMatch(root: HttpMatch, one: HttpMatch): HttpMatch {
  const name = [root.name, one.name].filter((part) => part !== undefined && part !== "").join("-");
  const joined: Record<string, unknown> = { ...root, ...one, ...(name !== "" && { name }) };
  for (const field of ["headers", "withoutHeaders", "queryParams", "sourceLabels"] as const)
    if (root[field] !== undefined && one[field] !== undefined) joined[field] = { ...root[field], ...one[field] };
  if (one.gateways?.length === 0 && root.gateways !== undefined) joined.gateways = root.gateways;
  if (one.port === 0 && root.port !== undefined) joined.port = root.port;
  if (one.sourceNamespace === "" && root.sourceNamespace !== undefined) joined.sourceNamespace = root.sourceNamespace;
  return joined as unknown as HttpMatch;
}

function inConflict(root: HttpMatch, one: HttpMatch): boolean {
  if ((root.ignoreUriCase ?? false) !== (one.ignoreUriCase ?? false)) return true;
  if ((["uri", "scheme", "method", "authority"] as const).some((field) => textConflict(root[field], one[field])))
    return true;
  for (const field of ["headers", "withoutHeaders", "queryParams"] as const)
    for (const [name, text] of Object.entries(one[field] ?? {}))
      if (textConflict(root[field]?.[name], text)) return true;
  if (bothSaid(root.port, one.port) && root.port !== one.port) return true;
  if (bothSaid(root.sourceNamespace, one.sourceNamespace) && root.sourceNamespace !== one.sourceNamespace) return true;
  for (const [name, value] of Object.entries(one.sourceLabels ?? {}))
    if (root.sourceLabels?.[name] !== undefined && root.sourceLabels[name] !== value) return true;
  const gateways = root.gateways ?? [];
  return gateways.length > 0 && (one.gateways ?? []).some((gateway) => !gateways.includes(gateway));
}

function bothSaid(a: string | number | undefined, b: string | number | undefined): boolean {
  return Boolean(a) && Boolean(b);
}

/** Whether the delegate's condition is none that lies within the root's; of regular expressions nothing is known. */
function textConflict(root: TextMatch | undefined, one: TextMatch | undefined): boolean {
  if (root === undefined || one === undefined || root.type === "present") return false;
  if (one.type === "present" || root.type === "regex" || one.type === "regex") return true;
  if (root.type === "exact") return one.type !== "exact" || one.value !== root.value;
  return !one.value.startsWith(root.value);
}
