import type { Endpoint, Entry } from "../../model/entry.ts";
import { printServiceKey, type ServiceKey, serviceKey } from "../../model/service.ts";

/** One rule that calls services otherwise than their registry does. */
export interface RenameRule {
  /** The interface or registered name that it is for, or the key `group/interface:version`; `*` stands for any run of characters. */
  readonly from: string;
  /** The new name; its n-th `*` stands for what the n-th `*` of `from` stood for. The old name unless given. */
  readonly to?: string;
  /** The new group; empty for none, the old one unless given. */
  readonly group?: string;
  /** The new version, as `group`. */
  readonly version?: string;
  /** Labels that endpoints get: each the value of the parameter that it names, where there is one. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a rule makes of a service. */
export interface Renamed {
  /** Position of the rule that fits. */
  readonly rule: number;
  readonly service: ServiceKey;
}

/** The first rule that fits a service, applied; undefined where none does. Linear in the length of the name. */
export function compileRenames(rules: readonly RenameRule[]): (service: ServiceKey) => Renamed | undefined {
  const compiled = rules.map((rule) => ({ rule, parts: rule.from.split("*") }));
  return (service) => {
    for (const [index, { rule, parts }] of compiled.entries()) {
      const found = runsOf(service.interface, parts) ?? runsOf(printServiceKey(service), parts);
      if (found === undefined) continue;
      const name = rule.to === undefined ? service.interface : fillIn(rule.to, found);
      const key = serviceKey(name, rule.group ?? service.group, rule.version ?? service.version);
      return { rule: index, service: Object.freeze(key) };
    }
    return undefined;
  };
}

/** An endpoint with the labels that a rule gives it; the same object where it gives none. */
export function withLabels(endpoint: Endpoint, labels: Readonly<Record<string, string>>): Endpoint {
  const given: Record<string, string> = Object.create(null);
  let count = 0;
  for (const [label, parameter] of Object.entries(labels)) {
    const value = Object.hasOwn(endpoint.params, parameter) ? endpoint.params[parameter] : undefined;
    if (value === undefined) continue;
    given[label] = value;
    count++;
  }
  return count === 0
    ? endpoint
    : Object.freeze({ ...endpoint, labels: Object.freeze({ ...endpoint.labels, ...given }) });
}

/** What is wrong with a rule, as the end of a sentence; undefined for nothing. */
export function renameFault(rule: RenameRule): string | undefined {
  if (rule.from === "") return "from is empty; name the services that it is for";
  if (rule.to === "") return "to is empty; a service needs a name";
  const [stars, filled] = [rule.from, rule.to ?? ""].map((text) => text.split("*").length - 1);
  if (filled! > stars!) return `to has ${filled} *, but from has ${stars}`;
  const says = rule.to !== undefined || rule.group !== undefined || rule.version !== undefined;
  if (!says && Object.keys(rule.labels ?? {}).length === 0)
    return "it changes nothing; give to, group, version or labels";
  return undefined;
}

/** Entries of one service as one; of two endpoints alike the first counts. */
export function joinEntries(first: Entry, second: Entry, idOf: (endpoint: Endpoint) => string): readonly Endpoint[] {
  const known = new Set(first.endpoints.map(idOf));
  return [...first.endpoints, ...second.endpoints.filter((one) => !known.has(idOf(one)))];
}

/** What each `*` between the parts stands for in a name, the shortest from the left; undefined where it does not fit. */
function runsOf(name: string, parts: readonly string[]): readonly string[] | undefined {
  const first = parts[0]!;
  if (parts.length === 1) return name === first ? [] : undefined;
  const last = parts.at(-1)!;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return undefined;
  const end = name.length - last.length;
  const runs: string[] = [];
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return undefined;
    runs.push(name.slice(at, found));
    at = found + part.length;
  }
  runs.push(name.slice(at, end));
  return runs;
}

function fillIn(to: string, runs: readonly string[]): string {
  return to
    .split("*")
    .map((part, index) => (index === 0 ? part : `${runs[index - 1] ?? ""}${part}`))
    .join("");
}
