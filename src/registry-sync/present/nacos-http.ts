/**
 * Nacos' HTTP API as its clients use it; `v1` of 1.x and later, `v2` of 2.x, `v3/client` of 3.x:
 *
 *     GET  v1/ns/instance/list     a service's object          GET v2/ns/instance/list       {code, message, data: the object}
 *     GET  v1/ns/service/list      {count, doms: names}        GET v2/ns/service/list        {.., data: {count, services: names}}
 *                                                              GET v3/client/ns/instance/list {.., data: instances}
 *
 * Reference: Nacos 2.3.2, seen; v3 by alibaba/nacos InstanceOpenApiController, not seen on a real server.
 */
import { isRecord, listOf, type NacosBody, recordOf, wholeOf } from "../../codecs/nacos/body.ts";
import { PUBLIC_NAMESPACE, splitGroupedName } from "../../codecs/nacos/service-info.ts";

/** What a request is to a facade: a list of instances or names that may be changed, what passes, or none of a client's. */
export type NacosHttpKind = "instances" | "names" | "passes" | "refused";

/** What clients call, beside the two lists; everything else is an operator's, or a server's. */
const PASSING: readonly RegExp[] = [
  /^\/v1\/ns\/(?:instance|service|health)(?:\/[A-Za-z]+){0,2}$/,
  /^\/v1\/ns\/operator\/metrics$/,
  /^\/v1\/cs\/configs(?:\/listener)?$/,
  /^\/v1\/auth\/(?:users\/)?login$/,
  /^\/v2\/ns\/(?:instance|service|health)(?:\/[A-Za-z]+){0,2}$/,
  /^\/v2\/cs\/config$/,
  /^\/v3\/auth\/user\/login$/,
  /^\/v3\/client\/(?:ns|cs|ai)(?:\/[A-Za-z-]+){1,3}$/,
  /^\/(?:actuator\/health|serverlist)$/,
];

/** What a request is, by its path below the API's root. Paths that could be read in two ways are nobody's. */
export function nacosHttpKind(method: string, path: string): NacosHttpKind {
  if (method === "GET") {
    if (/^\/(?:v1\/ns|v2\/ns|v3\/client\/ns)\/instance\/list$/.test(path)) return "instances";
    if (/^\/v[12]\/ns\/service\/list$/.test(path)) return "names";
  }
  return PASSING.some((pattern) => pattern.test(path)) ? "passes" : "refused";
}

/** Which service's instances a query asks for. */
export interface HttpServiceQuestion {
  readonly namespace: string;
  readonly groupName: string;
  readonly serviceName: string;
  readonly clusters: string;
  readonly healthyOnly: boolean;
  /** Where the client takes pushes over UDP; 0 where it does not. */
  readonly udpPort: number;
}

/** Reads the query of a list of instances. */
export function readServiceQuery(query: URLSearchParams): HttpServiceQuestion {
  const { group, name } = splitGroupedName(query.get("serviceName") ?? "", query.get("groupName") ?? "");
  const port = Number(query.get("udpPort") ?? "0");
  return {
    namespace: query.get("namespaceId") || PUBLIC_NAMESPACE,
    groupName: group,
    serviceName: name,
    clusters: query.get("clusters") ?? query.get("clusterName") ?? "",
    healthyOnly: query.get("healthyOnly") === "true",
    udpPort: Number.isInteger(port) && port > 0 && port <= 65_535 ? port : 0,
  };
}

/** A list of instances in an answer. */
export interface AnsweredInstances {
  /** The service's object, as far as the answer has one. */
  readonly info: NacosBody;
  /** The answer with this object's hosts, and its `lastRefTime` where the answer has such a thing. */
  readonly with: (info: NacosBody) => unknown;
}

/** Finds the list of instances in an answer; undefined where there is none. */
export function answeredInstances(answer: unknown): AnsweredInstances | undefined {
  if (!isRecord(answer)) return undefined;
  if (Array.isArray(answer["hosts"])) return { info: answer, with: (info) => info };
  const data = answer["data"];
  if (Array.isArray(data))
    return { info: { hosts: data }, with: (info) => ({ ...answer, data: listOf(info, "hosts") }) };
  if (isRecord(data) && Array.isArray(data["hosts"]))
    return { info: data, with: (info) => ({ ...answer, data: info }) };
  return undefined;
}

/** A list of names in an answer. */
export interface AnsweredNames {
  readonly count: number;
  readonly names: readonly string[];
  readonly with: (page: { readonly count: number; readonly names: readonly string[] }) => unknown;
}

/** Finds the list of names in an answer; undefined where there is none. */
export function answeredNames(answer: unknown): AnsweredNames | undefined {
  if (!isRecord(answer)) return undefined;
  const data = recordOf(answer, "data");
  const inner = data ?? answer;
  for (const key of ["doms", "services", "serviceNames"]) {
    if (!Array.isArray(inner[key])) continue;
    const names = listOf(inner, key).filter((name): name is string => typeof name === "string");
    return {
      names,
      count: Math.max(0, wholeOf(inner, "count", names.length)),
      with: (page) => {
        const changed = { ...inner, count: page.count, [key]: page.names };
        return data === undefined ? changed : { ...answer, data: changed };
      },
    };
  }
  return undefined;
}

/** The query of a request for the registry: pushes over UDP go to `udp`, or nowhere. */
export function withoutUdp(
  query: URLSearchParams,
  udp: { readonly address: string; readonly port: number } | undefined,
): string {
  const changed = new URLSearchParams(query);
  changed.delete("udpPort");
  if (udp !== undefined) {
    changed.set("udpPort", String(udp.port));
    changed.set("clientIP", udp.address);
  } else if (query.has("udpPort")) changed.set("udpPort", "0");
  return changed.toString();
}
