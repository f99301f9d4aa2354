import { type JavaType, parseJavaType } from "../../../codecs/java-types.ts";
import type { Entry } from "../../../model/entry.ts";
import type { RestMappingRule, Rule } from "../../../model/rule.ts";
import type { RestMapping } from "../../../model/schema.ts";
import { printServiceKey } from "../../../model/service.ts";
import type { Report } from "../findings.ts";
import { restMappingsOf } from "../rest-entries.ts";
import { quote } from "../schema.ts";
import { RULES_ORIGIN } from "../service-entries.ts";

/** Most classes that one finding names. */
const MAX_NAMED = 5;

/**
 * Tells of RestMapping rules that have no effect: another one is for the same service, a registry has providers of it, or the service
 * that it names is not there. Without `entries` only what the rules alone tell.
 */
export function analyzeRest(rules: readonly Rule[], entries: readonly Entry[] | undefined, report: Report): void {
  const byKey = new Map<string, RestMappingRule>();
  const byInterface = new Map<string, RestMappingRule>();
  for (const rule of restMappingsOf(rules)) {
    const key = printServiceKey(rule.service);
    const say = (field: string, text: string) =>
      report("TR0260", rule.at.fields[field] ?? rule.at.position, `RestMapping ${rule.name}: ${text}`);
    const other = byKey.get(key);
    const first = byInterface.get(rule.service.interface);
    if (other !== undefined) {
      say("interface", `RestMapping ${other.name} is for ${key} already and is used`);
      continue;
    }
    byKey.set(key, rule);
    if (first === undefined) byInterface.set(rule.service.interface, rule);
    else say("methods", `the methods of RestMapping ${first.name} are used for ${key}: an interface has one mapping`);
    // A document describes classes too.
    const unknown = rule.mapping.openapi === undefined ? undescribed(rule.mapping) : [];
    if (unknown.length > 0)
      report(
        "TR0261",
        rule.at.fields.types ?? rule.at.fields.methods ?? rule.at.position,
        `RestMapping ${rule.name} does not describe ${unknown.slice(0, MAX_NAMED).join(", ")}${unknown.length > MAX_NAMED ? " and others" : ""}`,
      );
    if (entries !== undefined) analyzeKnown(rule, key, entries, say);
  }
}

/** The classes that answers are made of, as far as the mapping tells, and that it does not describe; sorted. */
function undescribed({ methods, types }: RestMapping): readonly string[] {
  const missing = new Set<string>();
  const look = (type: JavaType): void => {
    const isOwn = type.name.includes(".") && !/^(?:java|javax|jakarta)\./.test(type.name);
    if (isOwn && !Object.hasOwn(types, type.name)) missing.add(type.name);
    type.args.forEach(look);
  };
  for (const { returnType } of methods) if (returnType !== undefined) look(parseJavaType(returnType));
  for (const { properties } of Object.values(types)) {
    for (const type of Object.values(properties ?? {})) look(parseJavaType(type));
  }
  return [...missing].sort();
}

function analyzeKnown(
  rule: RestMappingRule,
  key: string,
  entries: readonly Entry[],
  say: (field: string, text: string) => void,
): void {
  const known = entries.find((entry) => printServiceKey(entry.service) === key);
  const registered = known?.endpoints.some(({ origin, protocol }) => origin !== RULES_ORIGIN && protocol !== "http");
  if (registered === true) {
    say("interface", `a registry has providers of ${key}, and they are called`);
    return;
  }
  if (rule.host === undefined) return;
  const from = entries.find(({ host }) => host === rule.host);
  if (from === undefined) say("host", `no service has the host ${quote(rule.host)}; calls find no provider`);
  else if (!from.endpoints.some(({ protocol }) => protocol === "http"))
    say("host", `${quote(rule.host)} has no endpoint that speaks http; calls find no provider`);
}
