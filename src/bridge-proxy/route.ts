import { durationMs } from "../codecs/xds/duration.ts";
import {
  FAULT_FILTER,
  type FractionalPercent,
  type HeaderMutations,
  type HttpFault,
  type QueryParameterMatcher,
  type RetryPolicy,
  type Route,
  type RouteConfiguration,
  type VirtualHost,
} from "../codecs/xds/resources.ts";
import { parseServiceKey, type ServiceKey } from "../model/service.ts";
import { compileHeader, compilePath, type HeaderLookup, type HeaderTest, type TextTest } from "./match.ts";
import { compileRetry, type RetryPlan } from "./policies/retry.ts";
import type { Cluster } from "./upstream/cluster.ts";

/** Attachments to set, to add (after a comma where there is one) and to remove on the way to the callee; at least one. */
export interface Mutations {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** One weighted destination of a route. */
export interface Target {
  readonly cluster: Cluster;
  /** Upper end of its share of the route's total weight. */
  readonly upTo: number;
  readonly mutations: Mutations | undefined;
}

/** An injected fault, compiled: shares as fractions of 1. */
export interface FaultPlan {
  readonly delayMs: number;
  readonly delayShare: number;
  readonly abortShare: number;
  readonly abortHttp: number | undefined;
  readonly abortGrpc: number | undefined;
}

/** A route, compiled. What it has no use for is undefined, so that the plain path asks for nothing. */
export interface CompiledRoute {
  readonly name: string;
  readonly path: TextTest;
  /** Every path meets it. */
  readonly anyPath: boolean;
  readonly headers: readonly HeaderTest[];
  readonly targets: readonly Target[];
  readonly totalWeight: number;
  /** 0 for none. */
  readonly timeoutMs: number;
  readonly retry: RetryPlan | undefined;
  readonly fault: FaultPlan | undefined;
  readonly mutations: Mutations | undefined;
  /** HTTP status of a direct response; undefined where calls go on. */
  readonly directStatus: number | undefined;
  readonly directText: string;
  /** Of HTTP calls only. */
  readonly rewrite: Rewrite | undefined;
}

/** What of an HTTP request's target and Host is replaced. */
export interface Rewrite {
  /** Length of the prefix that `path` takes the place of; all of the path where it is undefined. */
  readonly prefixLength: number | undefined;
  readonly path: string | undefined;
  readonly authority: string | undefined;
}

/** A virtual host, compiled: the routes of one service key. */
export interface CompiledHost {
  readonly host: string;
  readonly key: ServiceKey;
  readonly routes: readonly CompiledRoute[];
}

/** What is known of a call from interface, version and method alone; shared by all calls with the same three. */
export interface Decision {
  /** One per group that serves this interface and version. */
  readonly byGroup: ReadonlyMap<string, HostDecision>;
  /** The only one in `byGroup`; undefined where the call's group has to be read. */
  readonly only: HostDecision | undefined;
}

/** The routes of one service key that the method can match, in order. */
export interface HostDecision {
  readonly host: CompiledHost;
  /** The Java method; of HTTP calls the request's. */
  readonly method: string;
  /** Only of HTTP calls. */
  readonly protocol?: "http";
  readonly candidates: readonly CompiledRoute[];
  /** The route where no header decides; undefined where headers have to be read. */
  readonly fixed: CompiledRoute | undefined;
}

const MAX_DECIDED = 1_024;

/** All routes of a RouteConfiguration, looked up by what a Dubbo head says. Replaced whole when configuration changes. */
export class RouteTable {
  readonly #byInterface = new Map<string, CompiledHost[]>();
  /** Decisions made, by all that they depend on. */
  readonly #decided = new Map<string, Decision | undefined>();

  constructor(config: RouteConfiguration | undefined, clusterOf: (name: string) => Cluster) {
    for (const virtualHost of config?.virtualHosts ?? []) this.#add(virtualHost, clusterOf);
  }

  /** Decides for a service name as the call's head has it (perhaps with a context path), its version and method; undefined: no such service. */
  decide(service: string, version: string, method: string): Decision | undefined {
    const key = `${service}\n${version}\n${method}`;
    const known = this.#decided.get(key);
    if (known !== undefined || this.#decided.has(key)) return known;
    // Names are the callers' choice: one that makes them up pays by deciding anew.
    if (this.#decided.size >= MAX_DECIDED) this.#decided.clear();
    const made = this.#decide(service, version, method);
    this.#decided.set(key, made);
    return made;
  }

  #decide(service: string, version: string, method: string): Decision | undefined {
    const name = this.#byInterface.has(service) ? service : service.slice(service.lastIndexOf("/") + 1);
    const wanted = version === "0.0.0" ? "" : version;
    const hosts = (this.#byInterface.get(name) ?? []).filter((host) => host.key.version === wanted);
    if (hosts.length === 0) return undefined;
    const byGroup = new Map(hosts.map((host) => [host.key.group, decideHost(host, method)]));
    return { byGroup, only: byGroup.size === 1 ? byGroup.values().next().value : undefined };
  }

  /** The routes of a service by its printed key; undefined: no such service. */
  hostOf(service: string): CompiledHost | undefined {
    const key = parseServiceKey(service);
    return this.#byInterface
      .get(key.interface)
      ?.find((host) => host.key.group === key.group && host.key.version === key.version);
  }

  /** The only service that is routed here at all; undefined where there are none or several. */
  onlyHost(): CompiledHost | undefined {
    if (this.#byInterface.size !== 1) return undefined;
    const hosts = [...this.#byInterface.values()][0]!;
    return hosts.length === 1 ? hosts[0] : undefined;
  }

  #add(virtualHost: VirtualHost, clusterOf: (name: string) => Cluster): void {
    // Compiled when first called: a change of one rule must not hold up all calls for as long as ten thousand services take.
    let compiled: readonly CompiledRoute[] | undefined;
    const routes = () => {
      compiled ??= virtualHost.routes.map((route) => compileRoute(route, clusterOf));
      return compiled;
    };
    for (const domain of virtualHost.domains) {
      // A service whose key is its host has one domain alone.
      if (domain === virtualHost.name && virtualHost.domains.length > 1) continue;
      const key = parseServiceKey(domain);
      const hosts = this.#byInterface.get(key.interface) ?? [];
      hosts.push({
        host: virtualHost.name,
        key,
        get routes() {
          return routes();
        },
      });
      this.#byInterface.set(key.interface, hosts);
    }
  }
}

/** The first route that takes a call with these headers; undefined for none. */
export function matchRoute(decision: HostDecision, header: HeaderLookup): CompiledRoute | undefined {
  return (
    decision.fixed ?? decision.candidates.find((route) => route.headers.every((test) => test.test(header(test.name))))
  );
}

/** Picks one destination by weight; `random` in [0, 1). Undefined where all weights are 0. */
export function pickTarget(route: CompiledRoute, random: () => number): Target | undefined {
  const { targets } = route;
  if (targets.length === 1) return targets[0];
  const point = random() * route.totalWeight;
  return targets.find((target) => point < target.upTo);
}

/** Decides for one virtual host, by method. */
export function decideHost(host: CompiledHost, method: string): HostDecision {
  const path = `/${host.key.interface}/${method}`;
  const candidates: CompiledRoute[] = [];
  for (const route of host.routes) {
    if (!route.path(path)) continue;
    candidates.push(route);
    if (route.headers.length === 0) break;
  }
  const first = candidates[0];
  return { host, method, candidates, fixed: first !== undefined && first.headers.length === 0 ? first : undefined };
}

function compileRoute(route: Route, clusterOf: (name: string) => Cluster): CompiledRoute {
  const action = route.route;
  const weighted =
    action?.weightedClusters?.clusters ?? (action?.cluster === undefined ? [] : [{ name: action.cluster, weight: 1 }]);
  const targets: Target[] = [];
  let total = 0;
  for (const item of weighted.filter(({ weight }) => weight > 0)) {
    total += item.weight;
    targets.push({ cluster: clusterOf(item.name), upTo: total, mutations: compileMutations(item) });
  }
  return {
    name: route.name ?? "",
    path: compilePath(route.match),
    anyPath: route.match.prefix === "/",
    headers: [
      ...(route.match.headers ?? []).map(compileHeader),
      ...(route.match.queryParameters ?? []).map(compileQuery),
    ],
    targets,
    totalWeight: total,
    timeoutMs: durationMs(action?.timeout) ?? 0,
    retry: compileRetryOf(action?.retryPolicy),
    fault: compileFault(route.typedPerFilterConfig?.[FAULT_FILTER]),
    mutations: compileMutations(route),
    directStatus: route.directResponse?.status,
    directText: route.directResponse?.body?.inlineString ?? "",
    rewrite: compileRewrite(route),
  };
}

/** A parameter is tested as the header `?NAME`, a name that no header has. */
function compileQuery({ name, ...matcher }: QueryParameterMatcher): HeaderTest {
  return { ...compileHeader({ name: "", ...matcher }), name: `?${name}` };
}

function compileRewrite({ match, route }: Route): Rewrite | undefined {
  const { prefixRewrite: path, hostRewriteLiteral: authority } = route ?? {};
  if (path === undefined && authority === undefined) return undefined;
  return { prefixLength: match.path === undefined ? match.prefix?.length : undefined, path, authority };
}

function compileRetryOf(policy: RetryPolicy | undefined): RetryPlan | undefined {
  return policy === undefined || policy.numRetries <= 0 ? undefined : compileRetry(policy);
}

function compileFault(fault: HttpFault | undefined): FaultPlan | undefined {
  if (fault?.delay === undefined && fault?.abort === undefined) return undefined;
  return {
    delayMs: durationMs(fault.delay?.fixedDelay) ?? 0,
    delayShare: share(fault.delay?.percentage),
    abortShare: share(fault.abort?.percentage),
    abortHttp: fault.abort?.httpStatus,
    abortGrpc: fault.abort?.grpcStatus,
  };
}

function compileMutations(from: HeaderMutations): Mutations | undefined {
  const headers = from.requestHeadersToAdd ?? [];
  const remove = from.requestHeadersToRemove ?? [];
  if (headers.length === 0 && remove.length === 0) return undefined;
  const pairs = (action: string) =>
    headers.filter((item) => item.appendAction === action).map((item) => [item.header.key, item.header.value] as const);
  return { set: pairs("OVERWRITE_IF_EXISTS_OR_ADD"), add: pairs("APPEND_IF_EXISTS_OR_ADD"), remove };
}

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

function share(percent: FractionalPercent | undefined): number {
  return percent === undefined ? 0 : percent.numerator / DENOMINATORS[percent.denominator];
}
