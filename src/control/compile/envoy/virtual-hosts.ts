import { ROUTE_TYPE, VIRTUAL_HOST_TYPE } from "../../../codecs/xds/resources.ts";
import { listVersion, type ServedList, type ServedResource, type ServedSet } from "../../../codecs/xds/served.ts";
import { hashText } from "../../../model/hash-text.ts";
import { ADS, type ProtoJson, servedList, versioned } from "../targets.ts";
import { envoyNode, type NodeText } from "./node.ts";

/** The oldest Envoy that was seen to take virtual hosts by one stream for all types. Those of 2025 and before refuse the routes that ask for it. */
const OLDEST = [1, 40] as const;

const TOGETHER: ReadonlySet<string> = new Set([VIRTUAL_HOST_TYPE]);

const sets = new WeakMap<ServedSet, ServedSet>();
const lists = new WeakMap<ServedList, { readonly routes: ServedList; readonly virtualHosts: ServedList }>();
const made = new WeakMap<object, ServedResource>();

/** Whether a client is a sidecar that takes each service's virtual host as a resource of its own. */
export function takesVirtualHosts(
  node: NodeText & { readonly userAgentVersion?: string; readonly isDeltaAds?: boolean },
): boolean {
  if (node.isDeltaAds !== true || envoyNode(node).role !== "sidecar") return false;
  const [major = 0, minor = 0] = (node.userAgentVersion ?? "").split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/**
 * A set in which routes have no virtual hosts but ask for them (VHDS): these are resources of their own, `ROUTES/HOST`, so that a change of
 * one service's routes sends that service's alone. No two hosts of a port may claim one name, and Envoy refuses a response as a whole for
 * one fault in it: so they change together.
 */
export function withVirtualHosts(set: ServedSet): ServedSet {
  const known = sets.get(set);
  if (known !== undefined) return known;
  const { routes, virtualHosts } = splitList(set.types.get(ROUTE_TYPE) ?? []);
  const types = new Map(set.types).set(ROUTE_TYPE, routes).set(VIRTUAL_HOST_TYPE, virtualHosts);
  const version = hashText([...types].map(([typeUrl, list]) => `${typeUrl} ${listVersion(list)}`).join("\n"));
  const split = { ...set, version, types, together: TOGETHER };
  sets.set(set, split);
  return split;
}

function splitList(list: ServedList): { readonly routes: ServedList; readonly virtualHosts: ServedList } {
  let split = lists.get(list);
  if (split === undefined) {
    const virtualHosts = list.flatMap(({ name, resource }) =>
      hostsOf(resource).map((host) => hostResource(name, host)),
    );
    split = { routes: list.map(({ name }) => askingRoutes(name)), virtualHosts: servedList(virtualHosts) };
    lists.set(list, split);
  }
  return split;
}

function hostsOf(routes: object): readonly ProtoJson[] {
  return (routes as { readonly virtualHosts?: readonly ProtoJson[] }).virtualHosts ?? [];
}

/** Envoy takes what stands before the last slash of its name for that of the routes. */
function hostResource(routes: string, host: ProtoJson): ServedResource {
  let one = made.get(host);
  if (one === undefined) {
    const name = `${routes}/${String(host["name"]).replaceAll("/", "%2F")}`;
    one = versioned(name, { ...host, name });
    made.set(host, one);
  }
  return one;
}

const asking = new Map<string, ServedResource>();
/** Names are numbers of ports. */
const MAX_ASKING = 65_536;

function askingRoutes(name: string): ServedResource {
  let one = asking.get(name);
  if (one === undefined) {
    if (asking.size >= MAX_ASKING) asking.clear();
    one = versioned(name, { name, vhds: { configSource: ADS } });
    asking.set(name, one);
  }
  return one;
}
