import type { Entry } from "../../model/entry.ts";
import type { ServiceKey } from "../../model/service.ts";
import { hostOf } from "./naming.ts";

/** How services are called in the mesh: in Trestle's own way, or as another synchronizer called them before. */
export const NAMING_STYLES = ["trestle", "dubbo2istio", "slime", "higress", "nacos-istio"] as const;

/** One of {@link NAMING_STYLES}. */
export type NamingStyle = (typeof NAMING_STYLES)[number];

/** What of a registry goes into the names of its services. */
export interface NamedRegistry {
  /** Its kind, as in its URL. */
  readonly scheme: string;
  /** The Nacos group of its Dubbo services; empty for `DEFAULT_GROUP`. */
  readonly group?: string;
  /** The id of its Nacos namespace; empty for `public`. */
  readonly namespace?: string;
}

/** Gives a service's host with the case of letters that others write it in. Entries carry it in lower case. */
export type Naming = (entry: Pick<Entry, "service" | "endpoints">) => string;

const DEFAULT_GROUP = "DEFAULT_GROUP";
const PUBLIC = "public";

/**
 * The names that a style gives to the services of one registry. What a tool never read (Spring Cloud in dubbo2istio, ZooKeeper in
 * Nacos' own module) is named in Trestle's way. docs/naming.md has a table of all forms and where they were read.
 *
 * Trestle's own names tell every key from every other; those of other tools may not. Of two services with one host `merge` keeps
 * the first by key and reports the other.
 */
export function createNaming(style: NamingStyle, registry: NamedRegistry): Naming {
  switch (style) {
    case "trestle":
      return ({ service }) => hostOf(service);
    case "dubbo2istio":
      return (entry) => (isSpring(entry) ? hostOf(entry.service) : dubbo2istioHost(entry.service, registry));
    case "slime":
      return (entry) => slimeHost(entry, registry) ?? hostOf(entry.service);
    case "higress":
      return (entry) => higressHost(entry, registry) ?? hostOf(entry.service);
    case "nacos-istio":
      return (entry) => nacosIstioHost(entry, registry) ?? hostOf(entry.service);
    default:
      return style satisfies never;
  }
}

/** Whether a service is called by plain HTTP: a Spring Cloud application. One without endpoints is told by the dots of an interface's name. */
export function isSpring({ service, endpoints }: Pick<Entry, "service" | "endpoints">): boolean {
  if (endpoints.length === 0) return !service.interface.includes(".");
  return endpoints.every(
    ({ protocol, params }) => (protocol === "http" || protocol === "https") && params["interface"] === undefined,
  );
}

/** aeraki-mesh/dubbo2istio pkg/dubbo/common/conversion.go, constructServiceHost. */
function dubbo2istioHost(key: ServiceKey, { scheme, group = "", namespace = "" }: NamedRegistry): string {
  const parts = [key.interface, key.group, key.version.replaceAll(".", "-")].filter((part) => part !== "");
  const behind =
    scheme === "nacos" ? [group, namespace].filter((part) => !["", DEFAULT_GROUP, PUBLIC].includes(part)) : [];
  return [parts.join("-"), ...behind].join(".").toLowerCase();
}

/** slime-io/slime modules/meshregistry/pkg/source/{zookeeper,nacos,eureka}/conversion.go with the defaults of pkg/bootstrap/args.go. */
function slimeHost(entry: Pick<Entry, "service" | "endpoints">, { scheme }: NamedRegistry): string | undefined {
  const { service } = entry;
  if (scheme === "nacos" || scheme === "eureka") {
    const name = isSpring(entry) ? service.interface : nacosName(service);
    return `${name.toLowerCase().replaceAll("_", "-")}.${scheme}.svc.cluster.local`;
  }
  if (!isZookeeper(scheme) || isSpring(entry)) return undefined;
  return [service.interface, service.group, service.version].join(":").replace(/:+$/, "");
}

/** alibaba/higress registry/{zookeeper,nacos/v2,eureka}/watcher.go. */
function higressHost(
  entry: Pick<Entry, "service" | "endpoints">,
  { scheme, group, namespace }: NamedRegistry,
): string | undefined {
  const { service } = entry;
  const spring = isSpring(entry);
  if (isZookeeper(scheme)) {
    if (spring) return `${service.interface}.services.zookeeper`;
    return `providers:${service.interface}:${service.version || "0.0.0"}:${service.group}.zookeeper`;
  }
  if (scheme === "eureka") return `${service.interface.toUpperCase()}.eureka`;
  if (scheme !== "nacos") return undefined;
  const nacosGroup = (spring ? service.group : group) || DEFAULT_GROUP;
  const behind = [nacosGroup, namespace || PUBLIC, "nacos"].join(".").replaceAll("_", "-");
  return `${spring ? service.interface : nacosName(service)}.${behind}`;
}

/** alibaba/nacos 2.1 to 2.5 istio/.../util/IstioCrdUtil.java with the default of `nacos.istio.domain.suffix`. */
function nacosIstioHost(
  entry: Pick<Entry, "service" | "endpoints">,
  { scheme, group, namespace }: NamedRegistry,
): string | undefined {
  if (scheme !== "nacos") return undefined;
  const { service, endpoints } = entry;
  const own = endpoints.findLast(({ params }) => (params["istio.hostname"] ?? "") !== "")?.params["istio.hostname"];
  if (own !== undefined) return `${own}.nacos`;
  const spring = isSpring(entry);
  const nacosGroup = (spring ? service.group : group) || DEFAULT_GROUP;
  const legal = nacosGroup === DEFAULT_GROUP ? "DEFAULT-GROUP" : nacosGroup;
  return `${spring ? service.interface : nacosName(service)}.${legal}.${namespace || PUBLIC}.nacos`;
}

/** The name of a Dubbo service in Nacos: blank parts leave their colons. */
function nacosName(key: ServiceKey): string {
  return `providers:${key.interface}:${key.version}:${key.group}`;
}

function isZookeeper(scheme: string): boolean {
  return scheme === "zookeeper" || scheme === "embedded";
}
