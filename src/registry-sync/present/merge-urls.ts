import { INBOUND_LABELS } from "../../model/inbound.ts";
import type { DubboUrl } from "../dubbo/url.ts";
import { ORIGIN_PARAM } from "./elsewhere.ts";
import { TAG } from "./tags.ts";

/**
 * Parameters of one process or one moment: never shown, so that the presented URL stays the same while providers come and go
 * (a consumer takes a changed URL for another provider and connects anew).
 */
const VOLATILE: ReadonlySet<string> = new Set([
  "pid",
  "timestamp",
  "bind.ip",
  "bind.port",
  "register.ip",
  "remote.timestamp",
]);

/**
 * What each line of Dubbo says of itself. Providers of two lines differ in these, so a URL that had them would change each time that
 * one line's last provider went for a moment; 3.x fails a call now and then when a URL that it calls is replaced ("This invoker has
 * been destroyed!", 2 of 10 runs of test/e2e/dubbo-registry-rules with providers of 2.7 and 3.3).
 */
const OF_THE_LINE: ReadonlySet<string> = new Set([
  "release",
  "revision",
  "anyhost",
  "background",
  "bean.name",
  "deprecated",
  "dynamic",
  "executor-management-mode",
  "file-cache",
  "generic",
  "metadata-type",
  "service-name-mapping",
  "service.name",
]);

/** What the proxy does in the consumer's place: balancing by weight and warm-up, taking providers out, TLS; the tag is said apart. */
const BALANCING: ReadonlySet<string> = new Set([
  "weight",
  "warmup",
  TAG,
  `default.${TAG}`,
  "tag",
  "disabled",
  "enabled",
  ...INBOUND_LABELS,
]);

/** From these a consumer derives further addresses on the same port, in protocols that this port does not speak. */
const SECOND_PROTOCOL: ReadonlySet<string> = new Set(["ext.protocol", "ispuserver", "isExtra", "preferred.protocol"]);

/** Most methods that a joined list may have; past that the list is left out, which consumers take for "all". */
const MAX_METHODS = 4_096;

/** The wire format that the proxy reads best, by Dubbo's name. */
const FAVOURITE = "hessian2";

/**
 * The path and parameters that stand for several providers of one service, whose URLs must not be none.
 *
 * A parameter on which all agree is kept as it is; others are dropped, but for: `methods`, joined; `timeout`s, the longest, for a
 * shorter one would fail calls that were good; `application`, the first by the alphabet, for 3.x looks rules up by it;
 * `prefer.serialization`, hessian2 first where all can read it. Keys come out sorted, as Dubbo writes them. `tag` is the providers'
 * common tag as their URLs write it, `""` for none.
 */
export function mergeUrls(
  urls: readonly DubboUrl[],
  directoryName: string,
  tag = "",
): Pick<DubboUrl, "path" | "params"> {
  const enabled = urls.filter((url) => url.params["enabled"] !== "false");
  const counted = enabled.length > 0 ? enabled : urls;
  const keys = new Set<string>();
  for (const url of counted) for (const key of Object.keys(url.params)) keys.add(key);
  const params: Record<string, string> = Object.create(null);
  if (tag !== "") keys.add(TAG);
  for (const key of [...keys].sort()) {
    if (key === TAG && tag !== "") params[key] = tag;
    if (VOLATILE.has(key) || OF_THE_LINE.has(key) || BALANCING.has(key) || SECOND_PROTOCOL.has(key)) continue;
    const value = mergeValue(key, counted);
    if (value !== undefined) params[key] = value;
  }
  const paths = new Set(counted.map((url) => url.path));
  return { path: paths.size === 1 ? ([...paths][0] ?? directoryName) : directoryName, params };
}

function mergeValue(key: string, urls: readonly DubboUrl[]): string | undefined {
  const values = urls.map((url) => url.params[key]);
  if (key === "prefer.serialization") return preference(values);
  const first = values[0];
  if (values.every((value) => value === first)) return first;
  const present = values.filter((value) => value !== undefined);
  if (key === "methods" || key === ORIGIN_PARAM) return union(present);
  if (key === "application") return present.sort()[0];
  if (key === "timeout" || key === "default.timeout" || key.endsWith(".timeout")) return longest(present);
  return undefined;
}

function union(lists: readonly string[]): string | undefined {
  const methods = new Set<string>();
  for (const list of lists) for (const method of list.split(",")) if (method !== "") methods.add(method);
  if (methods.has("*")) return "*";
  return methods.size > MAX_METHODS ? undefined : [...methods].sort().join(",");
}

function longest(values: readonly string[]): string | undefined {
  let best: string | undefined;
  for (const value of values) {
    if (/^\d{1,9}$/.test(value) && (best === undefined || Number(value) > Number(best))) best = value;
  }
  return best;
}

/**
 * Where all providers can read hessian2 (one that says nothing, 2.x, can): that, then what any of them can. Consumers take the first
 * that they know, 3.2 providers need their own names in the list to call back, and the list stays the same while one line's
 * provider registers anew. Elsewhere what all can read, in order.
 */
function preference(values: readonly (string | undefined)[]): string | undefined {
  const lists = values.map((value) => (value ?? FAVOURITE).split(",").filter((name) => name !== ""));
  if (lists.every((list) => list.includes(FAVOURITE))) {
    const all = [...new Set(lists.flat())].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    return all.join(",");
  }
  const common = (lists[0] ?? []).filter((name) => lists.every((list) => list.includes(name)));
  if (common.length === 0) return undefined;
  const ordered = [...new Set(common)].sort((a, b) => rank(a) - rank(b));
  return ordered.join(",");
}

function rank(name: string): number {
  if (name === FAVOURITE) return 0;
  return name.startsWith("fastjson") ? 2 : 1;
}
