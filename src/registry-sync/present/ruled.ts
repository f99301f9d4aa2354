import type { ServiceKey } from "../../model/service.ts";
import { type DubboUrl, param, parseNodeName } from "../dubbo/url.ts";
import type { PresentContext, RuledService } from "./context.ts";

/** The application under which such services are shown, since no provider names one. */
export const RULED_APPLICATION = "trestle";

/**
 * The URLs, without an address, of an interface's services that exist by rules: of each group and version for which `names` holds
 * no provider, be it shown or not. `waiting` are those that are not led yet and will be in a moment.
 */
export function ruledUrls(
  interfaceName: string,
  names: readonly string[],
  context: PresentContext,
): { readonly urls: readonly DubboUrl[]; readonly waiting: readonly ServiceKey[] } {
  const ruled = context.ruledOf(interfaceName);
  if (ruled.length === 0) return NONE;
  const registered = new Set<string>();
  for (const name of names) {
    const reading = parseNodeName(name);
    if (reading.type !== "url") continue;
    const version = param(reading.url, "version");
    registered.add(`${param(reading.url, "group")}\n${version === "0.0.0" ? "" : version}`);
  }
  const free = ruled.filter(({ service: { group, version } }) => !registered.has(`${group}\n${version}`));
  const urls: DubboUrl[] = [];
  const waiting: ServiceKey[] = [];
  for (const one of free) {
    const not = context.notLed(one.service, RULED_APPLICATION, "dubbo");
    if (not === undefined) urls.push(urlOf(one));
    else if (not.soon === true) waiting.push(one.service);
  }
  return { urls, waiting };
}

const NONE = { urls: [], waiting: [] } as const;

/** Longest list of methods, percent-encoded: it is part of a node's name, and one answer of ZooKeeper's has all names. */
const MAX_METHODS_CHARS = 64 * 1024;

/** What consumers of all lines need, and Hessian2 as the encoding: 3.2 would write fastjson2 otherwise. Keys sorted, as Dubbo writes them. */
function urlOf({ service, methods }: RuledService): DubboUrl {
  const { interface: path, group, version } = service;
  const params: Record<string, string> = Object.create(null);
  params["application"] = RULED_APPLICATION;
  params["category"] = "providers";
  params["dubbo"] = "2.0.2";
  if (group !== "") params["group"] = group;
  params["interface"] = path;
  const listed = [...new Set(methods)].sort().join(",");
  // Without a list consumers may call any.
  if (listed !== "" && encodeURIComponent(listed).length <= MAX_METHODS_CHARS) params["methods"] = listed;
  params["prefer.serialization"] = "hessian2";
  params["serialization"] = "hessian2";
  params["side"] = "provider";
  if (version !== "") params["version"] = version;
  return { protocol: "dubbo", host: "", port: 0, path, params };
}
