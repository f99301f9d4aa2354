import type { Rule } from "../../model/rule.ts";

/** A kind of objects that are rules, as Kubernetes' API has it. */
export interface RuleResource {
  readonly kind: Rule["kind"];
  readonly group: string;
  /** As its paths have it. */
  readonly plural: string;
}

/** Versions of a group that are read, the best first; of those that a server has one is enough, since it converts. */
export const GROUP_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  "networking.istio.io": ["v1", "v1beta1", "v1alpha3"],
  "security.istio.io": ["v1", "v1beta1"],
  "gateway.networking.k8s.io": ["v1", "v1beta1", "v1alpha2"],
  "metaprotocol.aeraki.io": ["v1alpha1"],
  "dubbo.aeraki.io": ["v1alpha1"],
  "trestle.io": ["v1alpha1"],
};

const of = (group: string, kinds: Readonly<Partial<Record<Rule["kind"], string>>>): readonly RuleResource[] =>
  Object.entries(kinds).map(([kind, plural]) => ({ kind: kind as Rule["kind"], group, plural }));

/** Every kind that is read from Kubernetes. */
export const RULE_RESOURCES: readonly RuleResource[] = [
  ...of("networking.istio.io", {
    VirtualService: "virtualservices",
    DestinationRule: "destinationrules",
    Gateway: "gateways",
    ServiceEntry: "serviceentries",
    WorkloadEntry: "workloadentries",
    Sidecar: "sidecars",
  }),
  ...of("security.istio.io", {
    AuthorizationPolicy: "authorizationpolicies",
    PeerAuthentication: "peerauthentications",
    RequestAuthentication: "requestauthentications",
  }),
  ...of("gateway.networking.k8s.io", { GRPCRoute: "grpcroutes", HTTPRoute: "httproutes" }),
  ...of("metaprotocol.aeraki.io", { MetaRouter: "metarouters" }),
  ...of("dubbo.aeraki.io", { DubboAuthorizationPolicy: "dubboauthorizationpolicies" }),
  ...of("trestle.io", { RestMapping: "restmappings", SerializationGuard: "serializationguards" }),
];

const SECURITY: ReadonlySet<Rule["kind"]> = new Set<Rule["kind"]>([
  "AuthorizationPolicy",
  "PeerAuthentication",
  "RequestAuthentication",
  "DubboAuthorizationPolicy",
  "SerializationGuard",
]);

/** Whether without its objects calls would be let through that they forbid. */
export function isSecurity({ kind }: Pick<RuleResource, "kind">): boolean {
  return SECURITY.has(kind);
}

/** A kind that a server has. */
export interface ServedResource extends RuleResource {
  readonly version: string;
  /** Whether its objects have a status of their own, which is written apart. */
  readonly hasStatus: boolean;
}

/** What identifies a kind in listings: `virtualservices.networking.istio.io`. */
export function nameOfResource({ plural, group }: RuleResource): string {
  return `${plural}.${group}`;
}

/** The groups that count of those that a server names in its answer to `/apis`, each with its versions, the best first. */
export function readGroups(answer: unknown): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const group of listOf(answer, "groups")) {
    const { name, versions } = asRecord(group);
    const wanted = typeof name === "string" && Object.hasOwn(GROUP_VERSIONS, name) ? GROUP_VERSIONS[name]! : [];
    const served = new Set((Array.isArray(versions) ? versions : []).map((one) => asRecord(one)["version"]));
    const both = wanted.filter((version) => served.has(version));
    if (both.length > 0) found.set(name as string, both);
  }
  return found;
}

/** The kinds that count of those that a server names in its answer to `/apis/GROUP/VERSION`. */
export function readResources(group: string, version: string, answer: unknown): readonly ServedResource[] {
  const names = new Set(listOf(answer, "resources").map((one) => asRecord(one)["name"]));
  return RULE_RESOURCES.filter((one) => one.group === group && names.has(one.plural)).map((one) => ({
    ...one,
    version,
    hasStatus: names.has(`${one.plural}/status`),
  }));
}

function listOf(answer: unknown, field: string): readonly unknown[] {
  const list = asRecord(answer)[field];
  return Array.isArray(list) ? list : [];
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
