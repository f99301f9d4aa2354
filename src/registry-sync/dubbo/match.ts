import { type DubboUrl, interfaceOf, param } from "./url.ts";

/**
 * Whether a consumer would take a URL of its interface's directory (a provider, or a legacy rule), as Dubbo decides it.
 *
 * Group: equal, `*`, or one of the consumer's comma list. Version: equal or `*`; here `0.0.0` and none are two things,
 * though a service key folds them. `enabled=false` hides a provider from all but `enabled=*`. A consumer as it stands in
 * a registry says `category=consumers` of itself; that is read as the wish for providers.
 * Reference: apache/dubbo 3.3 UrlUtils.isMatch.
 */
export function consumerTakes(consumer: DubboUrl, candidate: DubboUrl): boolean {
  const wanted = interfaceOf(consumer);
  const offered = interfaceOf(candidate);
  if (wanted !== offered && wanted !== "*" && offered !== "*") return false;
  if (!matchesCategory(param(consumer, "category"), param(candidate, "category"))) return false;
  if (param(candidate, "enabled") === "false" && param(consumer, "enabled") !== "*") return false;
  return (
    matchesGroup(param(consumer, "group"), param(candidate, "group")) &&
    matchesVersion(param(consumer, "version"), param(candidate, "version")) &&
    matchesClassifier(consumer.params["classifier"], param(candidate, "classifier"))
  );
}

/** Whether a consumer's group (one, `*`, or a comma list) takes in a provider's group. */
export function matchesGroup(wanted: string, offered: string): boolean {
  if (wanted === "*" || wanted === offered) return true;
  return wanted.includes(",") && wanted.split(",").some((group) => group.trim() === offered || group.trim() === "*");
}

/** Whether a consumer's version (one or `*`) takes in a provider's version. */
export function matchesVersion(wanted: string, offered: string): boolean {
  return wanted === "*" || wanted === offered;
}

function matchesClassifier(wanted: string | undefined, offered: string): boolean {
  return wanted === undefined || wanted === "*" || wanted === offered;
}

function matchesCategory(wanted: string, offered: string): boolean {
  const category = offered === "" ? "providers" : offered;
  if (wanted === "" || wanted === "consumers") return category === "providers";
  const list = wanted.split(",").map((part) => part.trim());
  if (list.includes("*")) return true;
  if (list.some((part) => part.startsWith("-"))) return !list.includes(`-${category}`);
  return list.includes(category);
}
