import { printServiceKey } from "../../../model/service.ts";
import type { Bindings } from "../bindings.ts";
import type { Report } from "../findings.ts";

/** Most services that one rule is told of, and most places of one service. */
const MAX_TOLD = 3;

/** Tells of VirtualServices that stand in place of what Dubbo's condition routers say in a registry. Its tags hold under them, too. */
export function analyzeRegistryRouters({ virtualServices, servicesOf }: Bindings, report: Report): void {
  for (const rule of virtualServices) {
    const routed = servicesOf(rule).flatMap(({ service, routing }) => {
      const places = new Set(routing?.steps.map((step) => step.rule));
      return places.size === 0 ? [] : [{ service, places: [...places].slice(0, MAX_TOLD).join(", ") }];
    });
    for (const { service, places } of routed.slice(0, MAX_TOLD)) {
      const key = printServiceKey(service);
      const message = `VirtualService ${rule.name} decides for ${key}; ${places} of the registry does not count for it`;
      report("TR0253", rule.at.position, message);
    }
  }
}
