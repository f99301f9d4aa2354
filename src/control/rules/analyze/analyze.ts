import type { Entry, Finding } from "../../../model/entry.ts";
import { DEFAULT_MESH, type MeshSettings } from "../../../model/mesh.ts";
import type { Rule } from "../../../model/rule.ts";
import { CARRIED_PROTOCOLS } from "../../compile/endpoints.ts";
import { analyzeSessions, withAttachedRules } from "../attached-rules.ts";
import { bindRules } from "../bindings.ts";
import { mergeDelegates } from "../delegates.ts";
import { createFindingList, sortFindings } from "../findings.ts";
import { analyzeAuthorization } from "./authorization.ts";
import { analyzeCarriage } from "./carriage.ts";
import { analyzeClaims } from "./claims.ts";
import { analyzeConnections } from "./connections.ts";
import { analyzeDestinations } from "./destinations.ts";
import { analyzeFailoverLabels, type KnownProxy } from "./failover-labels.ts";
import { analyzeHosts } from "./hosts.ts";
import { analyzeMtls } from "./mtls.ts";
import { analyzeOwnPorts, type OwnPorts } from "./own-ports.ts";
import { analyzePeerAuthentications, type InboundLabels } from "./peer-authentications.ts";
import { analyzeRateLimits } from "./rate-limits.ts";
import { analyzeRegistryRouters } from "./registry-routers.ts";
import { analyzeRest } from "./rest.ts";
import { analyzeRoutes } from "./routes.ts";
import { analyzeScopes } from "./scopes.ts";
import { analyzeServiceEntries } from "./service-entries.ts";
import { analyzeTraffic } from "./traffic.ts";
import { analyzeTwins } from "./twins.ts";

/** The mesh that rules are analyzed for. */
export interface AnalyzedMesh extends MeshSettings {
  /** One proxy serves every Gateway, whatever it selects: that of `trestle up`. */
  readonly servesAllGateways?: boolean;
  /** Labels of the providers that inbound listeners stand in front of, where they are known: rules of the mesh's namespace select by them. */
  readonly inboundLabels?: InboundLabels;
  /** The proxy of a `trestle up`. */
  readonly proxy?: KnownProxy & OwnPorts;
}

/**
 * What is wrong with rules that can be read, together and for the services that are known. Without `entries` only what the
 * rules alone tell is checked. `protocols` are those that the proxies carry, all that they can unless told; `notLed` names services (printed key) that consumers call past them all the same, and why. Sorted by place; the
 * findings of parsing are not among them.
 */
export function analyzeRules(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  protocols: readonly string[] = CARRIED_PROTOCOLS,
  notLed?: ReadonlyMap<string, string>,
  mesh: AnalyzedMesh = DEFAULT_MESH,
): readonly Finding[] {
  const found = createFindingList();
  const bindings = bindRules(mergeDelegates(withAttachedRules(rules)), entries, protocols, notLed, mesh);
  analyzeTwins(rules, found.report);
  analyzeHosts(bindings, found.report);
  analyzeServiceEntries(rules, entries, found.report);
  analyzeRegistryRouters(bindings, found.report);
  analyzeRoutes(bindings, rules, found.report);
  analyzeDestinations(bindings, found.report);
  analyzeCarriage(bindings, found.report);
  analyzeTraffic(bindings, found.report);
  analyzeFailoverLabels(bindings, mesh.proxy, found.report);
  analyzeSessions(rules, found.report);
  analyzeConnections(rules, found.report);
  analyzeClaims(bindings, rules, mesh, found.report);
  analyzeRateLimits(bindings, rules, found.report);
  analyzeScopes(rules, entries, found.report, mesh);
  analyzeOwnPorts(rules, mesh.proxy, found.report);
  analyzeRest(rules, entries, found.report);
  analyzePeerAuthentications(rules, entries, mesh, found.report);
  analyzeMtls(bindings, rules, mesh, found.report);
  analyzeAuthorization(rules, entries, mesh, found.report);
  return sortFindings(found.list());
}
