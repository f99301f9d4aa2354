import type { Rule, ServiceEntry, VirtualService } from "../../../model/rule.ts";
import type { BackendDestination, GatewayRoute, ObjectRef, RouteParent } from "../../../model/rules/gateway-route.ts";
import type { HttpRoute } from "../../../model/rules/http-route.ts";
import { compareText, type Report } from "../findings.ts";
import { hostOfRef } from "./refs.ts";

/** One route at one of its parents. */
interface Attached {
  readonly of: GatewayRoute;
  readonly rank: readonly number[];
  readonly route: HttpRoute;
}

/**
 * A VirtualService for each service that is a parent of GRPCRoutes or HTTPRoutes: the routes of all that have the same parent and are seen
 * by the same callers together, the narrower match first, then the older route, then by name. A route from another namespace than its
 * parent's holds for callers of its own namespace alone. `rules` are all there are: ServiceEntries among them say what hosts they have.
 */
export function bindGatewayRoutes(
  routes: readonly GatewayRoute[],
  rules: readonly Rule[],
  report: Report = () => {},
): VirtualService[] {
  const entries = new Map(
    rules
      .filter((rule): rule is ServiceEntry => rule.kind === "ServiceEntry")
      .map((entry) => [`${entry.namespace}/${entry.name}`, entry] as const),
  );
  const entryOf = (ref: ObjectRef) =>
    ref.kind === "ServiceEntry" ? entries.get(`${ref.namespace}/${ref.name}`) : undefined;
  const hostsOf = (ref: ObjectRef): readonly string[] => entryOf(ref)?.hosts ?? [hostOfRef(ref)];
  const groups = new Map<string, { host: string; exportTo: readonly string[]; namespace: string; list: Attached[] }>();
  for (const of of routes) {
    for (const parent of of.parents) {
      const port = portOf(parent, entryOf(parent));
      if (port === NO_PORT) {
        const text = `parent ${parent.name} has no port named ${parent.section}${parent.port === undefined ? "" : ` with number ${parent.port}`}: the route is for no call there`;
        report("TR0220", parent.at.fields.sectionName ?? parent.at.position, text);
        continue;
      }
      const isConsumers = parent.kind !== "Hostname" && parent.namespace !== of.namespace;
      for (const host of hostsOf(parent)) {
        const key = `${host.toLowerCase()} ${isConsumers ? of.namespace : ""}`;
        const exportTo = isConsumers ? ["."] : [];
        const group = groups.get(key) ?? { host, exportTo, namespace: of.namespace, list: [] };
        groups.set(key, group);
        group.list.push(...of.routes.map(({ rank, route }) => ({ of, rank, route: atPort(route, port, hostsOf) })));
      }
    }
  }
  return [...groups.values()].map(toVirtualService);
}

function toVirtualService(group: {
  readonly host: string;
  readonly exportTo: readonly string[];
  readonly namespace: string;
  readonly list: readonly Attached[];
}): VirtualService {
  const { host, exportTo, namespace, list } = group;
  const sorted = list
    .map((one, i) => ({ ...one, i }))
    .sort((a, b) => compareRanks(a.rank, b.rank) || compareAges(a.of, b.of) || a.i - b.i);
  const oldest = [...list].sort((a, b) => compareAges(a.of, b.of))[0]!.of;
  return {
    kind: "VirtualService",
    at: oldest.at,
    name: [...new Set(sorted.map(({ of }) => of.name))].sort(compareText).join("+"),
    namespace,
    createdAtMs: oldest.createdAtMs,
    hosts: [host],
    inMesh: true,
    gateways: [],
    http: sorted.map(({ route }) => route),
    attached: [...new Set(sorted.map(({ of }) => of))],
    ...(exportTo.length > 0 && { exportTo }),
  };
}

/** No port has this number. */
const NO_PORT = 0;

/** The port that a parent is narrowed to; undefined for all. */
function portOf({ port, section }: RouteParent, entry: ServiceEntry | undefined): number | undefined {
  if (section === undefined) return port;
  const named = [...(entry?.ports ?? []), ...(entry?.tcp ?? [])].find(({ name }) => name === section)?.number;
  return named === undefined || (port !== undefined && port !== named) ? NO_PORT : named;
}

/** The route with the parent's port among its conditions, and hosts in place of the objects that its destinations name. */
function atPort(route: HttpRoute, port: number | undefined, hostsOf: (ref: ObjectRef) => readonly string[]): HttpRoute {
  const located = <T extends HttpRoute["mirrors"] | HttpRoute["route"]>(list: T): T =>
    list?.map((one) => {
      const { ref, ...destination } = one.destination as BackendDestination;
      return { ...one, destination: { ...destination, host: hostsOf(ref)[0] ?? destination.host } };
    }) as T;
  return {
    ...route,
    ...(route.route && { route: located(route.route) }),
    ...(route.mirrors && { mirrors: located(route.mirrors) }),
    ...(port !== undefined && route.match && { match: route.match.map((one) => ({ ...one, port })) }),
  };
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, i) => number !== (b[i] ?? 0));
  return at < 0 ? 0 : (b[at] ?? 0) - a[at]!;
}

function compareAges(a: GatewayRoute, b: GatewayRoute): number {
  const age = ({ createdAtMs }: GatewayRoute) => createdAtMs ?? Number.MAX_SAFE_INTEGER;
  return age(a) - age(b) || compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`);
}
