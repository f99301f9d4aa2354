import type { Entry } from "../../../model/entry.ts";
import { type MeshSettings, namespaceOf } from "../../../model/mesh.ts";
import { printPosition, type Rule } from "../../../model/rule.ts";
import { printServiceKey } from "../../../model/service.ts";
import type { Bindings } from "../bindings.ts";
import type { Report } from "../findings.ts";
import { type MtlsDecision, type MtlsModes, mtlsModes } from "../kinds/peer-authentication.ts";

/** Checks what DestinationRules have callers' proxies speak against what PeerAuthentications have inbound listeners take. */
export function analyzeMtls(bindings: Bindings, rules: readonly Rule[], mesh: MeshSettings, report: Report): void {
  if (!rules.some(({ kind }) => kind === "PeerAuthentication")) return;
  const modeOf = mtlsModes(rules, mesh.rootNamespace);
  for (const rule of bindings.destinationRules) {
    const tls = rule.trafficPolicy?.tls;
    if (tls === undefined) continue;
    const speaks = tls.mode ?? "DISABLE";
    for (const entry of bindings.servicesOf(rule)) {
      const against = decisionsOf(entry, modeOf, mesh).find(({ mode }) => isRefused(speaks, mode));
      if (against?.rule === undefined) continue;
      const { name, at } = against.rule;
      const message = `${rule.name} has callers' proxies speak ${speaks === "DISABLE" ? "plain text" : speaks} to ${printServiceKey(entry.service)}, whose inbound listeners take ${against.mode} by ${name} at ${printPosition(at.position)}: calls to them fail`;
      report("TR0283", tls.at.position, message);
      break;
    }
  }
}

function decisionsOf(entry: Entry, modeOf: MtlsModes, mesh: MeshSettings): MtlsDecision[] {
  const namespace = namespaceOf(entry, mesh);
  return entry.endpoints.map(({ params, labels, port }) =>
    modeOf({ namespace, labels: labels === undefined ? params : { ...params, ...labels } }, port),
  );
}

/** Mutual TLS of the mesh is what STRICT asks for, and what a listener without TLS hands on to a provider that knows none. */
function isRefused(speaks: string, takes: MtlsDecision["mode"]): boolean {
  return takes === "STRICT" ? speaks !== "ISTIO_MUTUAL" : takes === "DISABLE" && speaks === "ISTIO_MUTUAL";
}
