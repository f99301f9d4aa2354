/**
 * Dubbo's services on Nacos (apache/dubbo 3.3 NacosRegistry, NacosServiceName):
 *
 *     service    providers:INTERFACE:VERSION:GROUP    blank parts keep their colons; the legacy form leaves trailing blanks out
 *     instance   ip, port; metadata = the URL's parameters, and protocol, path, category
 *     application level: service = the application's name; metadata has dubbo.metadata.revision or dubbo.endpoints
 */
import { type NacosBody, recordOf, textOf, wholeOf } from "../../codecs/nacos/body.ts";
import { type DubboUrl, MAX_URL_PARAMS, pathFrom } from "../dubbo/url.ts";

/** What the name of a Dubbo service on Nacos says. */
export interface DubboServiceName {
  /** `providers`, `consumers`, `routers`, `configurators`. */
  readonly category: string;
  readonly interfaceName: string;
  readonly version: string;
  readonly group: string;
}

const CATEGORIES: ReadonlySet<string> = new Set(["providers", "consumers", "routers", "configurators"]);

/** Reads a service's name, without the Nacos group; undefined for one that is no Dubbo interface's. */
export function parseDubboServiceName(name: string): DubboServiceName | undefined {
  const [category = "", interfaceName = "", version = "", group = ""] = name.split(":");
  if (!CATEGORIES.has(category) || interfaceName === "") return undefined;
  return { category, interfaceName, version, group };
}

const OF_APPLICATIONS = ["dubbo.metadata.revision", "dubbo.endpoints", "dubbo.metadata-service.url-params"] as const;

/** Whether an instance stands for a whole Dubbo application: its port speaks Dubbo, be its service's name what it may. */
export function isDubboApplication(host: NacosBody): boolean {
  const metadata = recordOf(host, "metadata");
  return metadata !== undefined && OF_APPLICATIONS.some((key) => textOf(metadata, key) !== "");
}

/** A `&` ends a parameter in a URL, and the metadata of Nacos may have one: there it stands so. */
const AMPERSAND = "%26";

/**
 * The URL that a provider's instance stands for; undefined where its metadata is none of a provider's. Values that a URL cannot hold are
 * escaped, so that {@link metadataOf} finds them again.
 */
export function urlOfHost(host: NacosBody): DubboUrl | undefined {
  const metadata = recordOf(host, "metadata");
  const ip = textOf(host, "ip");
  const port = wholeOf(host, "port", 0);
  if (metadata === undefined || ip === "" || port <= 0 || port > 65_535) return undefined;
  const protocol = textOf(metadata, "protocol");
  const path = pathFrom(textOf(metadata, "path"));
  if (!/^[a-z][a-z0-9+.-]*$/i.test(protocol) || path === "" || /[?#\s]/.test(path)) return undefined;
  const params = Object.create(null) as Record<string, string>;
  const keys = Object.keys(metadata);
  if (keys.length > MAX_URL_PARAMS) return undefined;
  for (const key of keys) {
    if (OF_THE_HOST.has(key) || key === "" || /[=&]/.test(key)) continue;
    params[key] = textOf(metadata, key).replaceAll("&", AMPERSAND);
  }
  return { protocol, host: ip, port, path, params };
}

/** What metadata has beside the URL's parameters. */
const OF_THE_HOST: ReadonlySet<string> = new Set(["protocol", "path", "category"]);

/** The metadata of an instance that stands for a URL; values as the `real` URLs' own metadata have them. */
export function metadataOf(url: DubboUrl, real: readonly NacosBody[]): NacosBody {
  const metadata = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(url.params)) {
    metadata[key] = value.includes(AMPERSAND) ? unescaped(key, value, real) : value;
  }
  metadata["protocol"] = url.protocol;
  metadata["path"] = url.path;
  metadata["category"] = "providers";
  return metadata;
}

function unescaped(key: string, value: string, real: readonly NacosBody[]): string {
  for (const host of real) {
    const raw = textOf(recordOf(host, "metadata") ?? {}, key);
    if (raw !== value && raw.replaceAll("&", AMPERSAND) === value) return raw;
  }
  return value;
}
