import type { ServiceKey } from "../../model/service.ts";
import { consumerTakes } from "../dubbo/match.ts";
import { type DubboUrl, param, parseNodeName } from "../dubbo/url.ts";
import type { Asker } from "./asker.ts";
import type { PresentContext } from "./context.ts";
import { TAG } from "./tags.ts";

/** A provider of another registry that is shown through the proxy. */
export interface LedElsewhere {
  readonly url: DubboUrl;
  /** Group and version as the directory's own URLs write them. */
  readonly group: string;
  readonly tag: string;
}

/** What is asked of {@link elsewhereUrls}. */
export interface ElsewhereQuestion {
  readonly interfaceName: string;
  /** All that the directory holds. */
  readonly names: readonly string[];
  /** Group and version, as written, of those of them that are led. */
  readonly led: Iterable<string>;
  readonly asker: Asker;
}

/**
 * The providers of other registries that count in a list: those of a group and version of which the directory holds no provider, or
 * one that is led. Beside providers that pass unchanged they are not shown, for whoever sees those is to call them as before.
 * `waiting` are services that are not led yet and will be in a moment.
 */
export function elsewhereUrls(
  { interfaceName, names, led, asker }: ElsewhereQuestion,
  context: PresentContext,
): { readonly urls: readonly LedElsewhere[]; readonly waiting: readonly ServiceKey[] } {
  const others = context.elsewhereOf(interfaceName);
  if (others.length === 0) return NONE;
  const written = new Map<string, string>();
  for (const group of led) if (!written.has(folded(group))) written.set(folded(group), group);
  const registered = new Set<string>();
  for (const name of names) {
    const reading = parseNodeName(name);
    if (reading.type === "url") registered.add(folded(groupOf(reading.url)));
  }
  const urls: LedElsewhere[] = [];
  const waiting: ServiceKey[] = [];
  for (const { service, url } of others) {
    const group = folded(groupOf(url));
    if ((registered.has(group) && !written.has(group)) || !isCallable(url, interfaceName, asker)) continue;
    const not = context.notLed(service, param(url, "application"), url.protocol);
    if (not === undefined) urls.push({ url, group: written.get(group) ?? group, tag: param(url, TAG) });
    else if (not.soon === true) waiting.push(service);
  }
  return { urls, waiting };
}

const NONE = { urls: [], waiting: [] } as const;

/** What {@link treat} of present.ts lets pass for its own sake cannot be led from here either, and there is nothing to let pass. */
function isCallable(url: DubboUrl, interfaceName: string, { unled }: Asker): boolean {
  if (url.host === "" || url.port === 0) return false;
  if (url.protocol === "tri" && url.path !== interfaceName) return false;
  if (param(url, "ssl-enabled") === "true" || param(url, "cluster") === "broadcast") return false;
  return !unled.some((consumer) => consumerTakes(consumer, url));
}

function groupOf(url: DubboUrl): string {
  return `${param(url, "group")}\n${param(url, "version")}`;
}

function folded(group: string): string {
  return group.endsWith("\n0.0.0") ? group.slice(0, -"0.0.0".length) : group;
}
