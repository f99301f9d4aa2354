import { hostAmong, namesOf } from "../codecs/xds/authority.ts";
import type { AuthzConfigs } from "../codecs/xds/authz.ts";
import { type ClaimsTest, compileClaims } from "../codecs/xds/claims.ts";
import type { FractionalPercent } from "../codecs/xds/core.ts";
import { durationMs } from "../codecs/xds/duration.ts";
import { compileHeader, compilePath, type HeaderTest, type TextTest } from "../codecs/xds/match.ts";
import { withoutLimits } from "../codecs/xds/rate-limit.ts";
import { rawParameter } from "../codecs/xds/raw-parameter.ts";
import {
  ANY_DOMAIN,
  FAULT_FILTER,
  type HttpFault,
  type QueryParameterMatcher,
  type RequestMirrorPolicy,
  type RetryPolicy,
  type Route,
  type RouteConfiguration,
  type VirtualHost,
} from "../codecs/xds/route.ts";
import { SERIALIZATION_FILTER } from "../codecs/xds/serialization-guard.ts";
import { parseServiceKey, type ServiceKey, serviceKey } from "../model/service.ts";
import type { HostAuthz } from "./authz/gate.ts";
import { compileHash, type HashPlan } from "./policies/hash.ts";
import type { HostLimits } from "./policies/limits.ts";
import { MIRROR_TIMEOUT_MS, type MirrorShare } from "./policies/mirror.ts";
import { compileMutations, type Mutations } from "./policies/mutations.ts";
import { QUERY } from "./policies/query.ts";
import { compileRedirect, type Redirect } from "./policies/redirect.ts";
import { compileRetry, type RetryPlan } from "./policies/retry.ts";
import { compileRewrite, type Rewrite } from "./policies/rewrite.ts";
import { Host, HostParts, keysOf } from "./route-host.ts";
import type { Cluster } from "./upstream/cluster.ts";

/** One weighted destination of a route. */
export interface Target {
  readonly cluster: Cluster;
  /** Upper end of its share of the route's total weight. */
  readonly upTo: number;
  readonly mutations: Mutations | undefined;
  /** The same for answers. */
  readonly answerMutations: Mutations | undefined;
  /** The route's own destination, in whose place this one stands with the changes of one call alone. */
  readonly of?: Target;
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
  /** What the token of a call has to say. */
  readonly claims: ClaimsTest | undefined;
  readonly targets: readonly Target[];
  readonly totalWeight: number;
  /** 0 for none. */
  readonly timeoutMs: number;
  readonly retry: RetryPlan | undefined;
  readonly fault: FaultPlan | undefined;
  readonly mutations: Mutations | undefined;
  /** The same for answers. */
  readonly answerMutations: Mutations | undefined;
  /** HTTP status of a direct response; undefined where calls go on. */
  readonly directStatus: number | undefined;
  /** Its body; `""` for none. */
  readonly directBody: Buffer;
  /** Where callers of HTTP are sent. */
  readonly redirect: Redirect | undefined;
  readonly rewrite: Rewrite | undefined;
  readonly hash: HashPlan | undefined;
  readonly mirrors: readonly Mirror[] | undefined;
  /** What it leads are copies: nobody waits for their answers. */
  readonly isMirror: boolean;
  /** Behind the name of the Host, or `:authority`, that providers see. */
  readonly hostSuffix: string;
}

/** A virtual host, compiled: the routes of one service key. */
export interface CompiledHost {
  readonly host: string;
  readonly key: ServiceKey;
  readonly routes: readonly CompiledRoute[];
  /** Who may call it; undefined where nothing restricts that. */
  readonly policies?: HostAuthz | undefined;
  /** How often it may be called; undefined where nothing bounds that. */
  readonly limits?: HostLimits | undefined;
}

/** Compiles a virtual host's policies. */
export type CompilePolicies = (configs: AuthzConfigs) => HostAuthz;

/** Gives a virtual host's limits. */
export type LimitsOf = (virtualHost: VirtualHost) => HostLimits | undefined;

/** Where copies of a share of a route's calls go: to one destination, in a time of their own, without faults and further tries. */
export type Mirror = MirrorShare<CompiledRoute>;

/** What is known of a call from interface, version and method alone; shared by all calls with the same three. */
export interface Decision {
  /** One per group that serves this interface and version. */
  readonly byGroup: ReadonlyMap<string, HostDecision>;
  /** The only one in `byGroup`; undefined where the call's group has to be read. */
  readonly only: HostDecision | undefined;
  /** Every group is served alike: `byGroup` has whatever is asked for. */
  readonly anyGroup?: true;
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
  /** Some of them go by claims of a call's token. */
  readonly asksClaims?: boolean;
}

const MAX_DECIDED = 1_024;

/** All routes of a RouteConfiguration, looked up by what a Dubbo head says. Replaced whole when configuration changes. */
export class RouteTable {
  readonly #byInterface = new Map<string, CompiledHost[]>();
  /** Makes the host of a service that no virtual host names; undefined where none is for all. */
  #any: ((key: ServiceKey) => CompiledHost) | undefined;
  /** By the names that callers may send as Host, in lower case; made when first asked for. */
  #byName: ReadonlyMap<string, CompiledHost> | undefined;
  /** Decisions made, by all that they depend on. */
  readonly #decided = new Map<string, Decision | undefined>();
  #hasPolicies = false;
  #hasGuards = false;
  #hasFurtherPorts = false;

  constructor(
    config: RouteConfiguration | undefined,
    clusterOf: (name: string) => Cluster,
    compilePolicies?: CompilePolicies,
    limitsOf?: LimitsOf,
  ) {
    for (const virtualHost of config?.virtualHosts ?? [])
      this.#add(virtualHost, clusterOf, compilePolicies, limitsOf?.(virtualHost));
  }

  /** Whether any service restricts who may call it. */
  get hasPolicies(): boolean {
    return this.#hasPolicies;
  }

  /** Whether any service has a guard that looks at what calls hold. */
  get hasGuards(): boolean {
    return this.#hasGuards;
  }

  /** Whether any service has further ports, which calls may name. */
  get hasFurtherPorts(): boolean {
    return this.#hasFurtherPorts;
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
    if (hosts.length === 0) return this.#any && decideAny(this.#any, { interface: name, version: wanted }, method);
    const byGroup = new Map(hosts.map((host) => [host.key.group, decideHost(host, method)]));
    return { byGroup, only: byGroup.size === 1 ? byGroup.values().next().value : undefined };
  }

  /** The routes of a service by its printed key; undefined: no such service. */
  hostOf(service: string): CompiledHost | undefined {
    const key = parseServiceKey(service);
    const isMeant = (host: CompiledHost) => host.key.group === key.group && host.key.version === key.version;
    return this.#byInterface.get(key.interface)?.find(isMeant) ?? this.#any?.(key);
  }

  /** The routes of the service, or of the further port of one, that a Host names: by the service's host, or by its plain name where it has no group and version. */
  hostNamed(authority: string): CompiledHost | undefined {
    this.#byName ??= namesOf(this.hosts);
    return hostAmong(this.#byName, authority);
  }

  /** The only service that is routed here at all; undefined where there are none or several. */
  onlyHost(): CompiledHost | undefined {
    if (this.#byInterface.size === 0) return this.#any?.(serviceKey(ANY_DOMAIN));
    if (this.#byInterface.size !== 1 || this.#any !== undefined) return undefined;
    return this.hosts.length === 1 ? this.hosts[0] : undefined;
  }

  /** All services that are named. */
  get hosts(): readonly CompiledHost[] {
    return [...this.#byInterface.values()].flat();
  }

  #add(
    virtualHost: VirtualHost,
    clusterOf: (name: string) => Cluster,
    compilePolicies: CompilePolicies | undefined,
    limits: HostLimits | undefined,
  ): void {
    const configs = compilePolicies && withoutLimits(virtualHost.typedPerFilterConfig);
    if (configs !== undefined) this.#hasPolicies = true;
    if (configs?.[SERIALIZATION_FILTER] !== undefined) this.#hasGuards = true;
    const parts = new HostParts(virtualHost.name, {
      routes: () => virtualHost.routes.map((route) => compileRoute(route, clusterOf)),
      policies: configs && (() => compilePolicies!(configs)),
      limits,
    });
    if (virtualHost.name.includes(":")) this.#hasFurtherPorts = true;
    const { keys, isForAny } = keysOf(virtualHost);
    if (isForAny) this.#any = (key) => new Host(key, parts);
    for (const key of keys) {
      const host = new Host(key, parts);
      const hosts = this.#byInterface.get(key.interface);
      if (hosts === undefined) this.#byInterface.set(key.interface, [host]);
      else hosts.push(host);
    }
  }
}

/** Most groups of one service that are remembered where every group is served. */
const MAX_GROUPS = 64;

/** Has every group, each made when first asked for. */
class AnyGroup extends Map<string, HostDecision> {
  readonly #make: (group: string) => HostDecision;

  constructor(make: (group: string) => HostDecision) {
    super();
    this.#make = make;
  }

  override has(): boolean {
    return true;
  }

  override get(group: string): HostDecision {
    const known = super.get(group);
    if (known !== undefined) return known;
    if (this.size >= MAX_GROUPS) this.clear();
    const made = this.#make(group);
    this.set(group, made);
    return made;
  }
}

function decideAny(
  hostOf: (key: ServiceKey) => CompiledHost,
  named: Pick<ServiceKey, "interface" | "version">,
  method: string,
): Decision {
  const byGroup = new AnyGroup((group) => decideHost(hostOf({ ...named, group }), method));
  return { byGroup, only: undefined, anyGroup: true };
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
    if (isCertain(route)) break;
  }
  const fixed = candidates[0] !== undefined && isCertain(candidates[0]) ? candidates[0] : undefined;
  return { host, method, candidates, fixed, asksClaims: asksClaims(candidates) };
}

/** Whether it takes every call that has its path. */
export function isCertain({ headers, claims }: CompiledRoute): boolean {
  return headers.length === 0 && claims === undefined;
}

/** Whether any of them goes by claims of a call's token. */
export function asksClaims(routes: readonly CompiledRoute[]): boolean {
  return routes.some(({ claims }) => claims !== undefined);
}

function compileRoute(route: Route, clusterOf: (name: string) => Cluster): CompiledRoute {
  const action = route.route;
  const weighted =
    action?.weightedClusters?.clusters ?? (action?.cluster === undefined ? [] : [{ name: action.cluster, weight: 1 }]);
  const targets: Target[] = [];
  let total = 0;
  for (const item of weighted.filter(({ weight }) => weight > 0)) {
    total += item.weight;
    targets.push({ cluster: clusterOf(item.name), upTo: total, ...compileMutations(item) });
  }
  const { inlineString = "", inlineBytes } = route.directResponse?.body ?? {};
  const compiled: CompiledRoute = {
    name: route.name ?? "",
    path: compilePath(route.match),
    anyPath: route.match.prefix === "/",
    headers: [
      ...(route.match.headers ?? []).map(compileHeader),
      ...(route.match.queryParameters ?? []).map(compileQuery),
    ],
    claims: compileClaims(route.match.dynamicMetadata ?? []),
    targets,
    totalWeight: total,
    timeoutMs: durationMs(action?.timeout) ?? 0,
    retry: compileRetryOf(action?.retryPolicy),
    fault: compileFault(route.typedPerFilterConfig?.[FAULT_FILTER]),
    ...compileMutations(route),
    directStatus: route.directResponse?.status,
    directBody: inlineBytes === undefined ? Buffer.from(inlineString) : Buffer.from(inlineBytes, "base64"),
    redirect: compileRedirect(route),
    rewrite: compileRewrite(route),
    hash: compileHash(action?.hashPolicy),
    mirrors: undefined,
    isMirror: false,
    hostSuffix: "",
  };
  const { requestMirrorPolicies = [] } = action ?? {};
  if (requestMirrorPolicies.length === 0) return compiled;
  const mirrors = requestMirrorPolicies.map((policy) => compileMirror(policy, compiled, clusterOf));
  return { ...compiled, mirrors };
}

function compileMirror(
  { cluster, runtimeFraction, disableShadowHostSuffixAppend }: RequestMirrorPolicy,
  of: CompiledRoute,
  clusterOf: (name: string) => Cluster,
): Mirror {
  const target = { cluster: clusterOf(cluster), upTo: 1, mutations: undefined, answerMutations: undefined };
  const timeoutMs = of.timeoutMs > 0 ? Math.min(of.timeoutMs, MIRROR_TIMEOUT_MS) : MIRROR_TIMEOUT_MS;
  return {
    share: runtimeFraction === undefined ? 1 : share(runtimeFraction.defaultValue),
    route: {
      ...of,
      targets: [target],
      totalWeight: 1,
      timeoutMs,
      retry: undefined,
      fault: undefined,
      answerMutations: undefined,
      isMirror: true,
      hostSuffix: disableShadowHostSuffixAppend === true ? "" : "-shadow",
    },
  };
}

/** A parameter is tested as the header {@link QUERY}, a name that no header has. */
function compileQuery({ name, ...matcher }: QueryParameterMatcher): HeaderTest {
  const { test } = compileHeader({ name, ...matcher });
  return { name: QUERY, isInverted: false, test: (query) => test(rawParameter(query, name)) };
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

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

function share(percent: FractionalPercent | undefined): number {
  return percent === undefined ? 0 : percent.numerator / DENOMINATORS[percent.denominator];
}
