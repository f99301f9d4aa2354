import type { Entry } from "../../../model/entry.ts";
import type { VirtualService } from "../../../model/rule.ts";
import type { Destination } from "../../../model/rules/http-route.ts";
import { printServiceKey } from "../../../model/service.ts";
import type { Bindings } from "../bindings.ts";
import type { Report } from "../findings.ts";
import { resolveDestination } from "../hosts.ts";
import { isHttpService } from "../http-service.ts";

/** Names destinations in the mesh that calls cannot be carried to, since they are Dubbo's and the providers speak HTTP alone, or the other way round. */
export function analyzeCarriage(bindings: Bindings, report: Report): void {
  for (const rule of bindings.virtualServices)
    for (const { route = [], mirrors = [] } of rule.http) {
      for (const { destination } of route) checkKind(rule, destination, "its calls are refused", bindings, report);
      for (const { destination } of mirrors) checkKind(rule, destination, "no copies are made", bindings, report);
    }
}

function checkKind(
  rule: VirtualService,
  destination: Destination,
  effect: string,
  bindings: Bindings,
  report: Report,
): void {
  if (bindings.entries === undefined) return;
  for (const caller of bindings.servicesOf(rule)) {
    const called = resolveDestination(destination, caller, bindings.entries);
    if (called === undefined || !isKnown(called) || !isKnown(caller)) continue;
    const isHttp = isHttpService(called);
    if (isHttp === isHttpService(caller)) continue;
    const name = printServiceKey(caller.service);
    const why = isHttp
      ? `speaks HTTP alone, and calls of ${name} are Dubbo's: a RestMapping for ${caller.service.interface} says what requests they become`
      : `speaks no HTTP, and requests for ${name} are carried as they are: JSON for Dubbo's services goes to the proxy's Triple port`;
    const { position, fields } = destination.at;
    report("TR0221", fields.host ?? position, `destination ${destination.host} ${why}; ${effect}`);
    return;
  }
}

/** One without providers says nothing of what it speaks. */
function isKnown({ endpoints }: Entry): boolean {
  return endpoints.length > 0;
}
