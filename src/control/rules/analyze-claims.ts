import type { Rule } from "../../model/rule.ts";
import type { Report } from "./findings.ts";
import { quote } from "./schema.ts";

/** Istio's gateways match a token's claims by headers of such names. */
const CLAIMS = "@request.auth.";

/** Reports conditions of routes on a token's claims: routes are chosen before tokens are looked at, so that no call meets them. */
export function analyzeClaims(rules: readonly Rule[], report: Report): void {
  for (const rule of rules) {
    if (rule.kind !== "VirtualService") continue;
    for (const route of rule.http) {
      for (const match of route.match ?? []) {
        const names = [...Object.keys(match.headers ?? {}), ...Object.keys(match.withoutHeaders ?? {})];
        const claim = names.find((name) => name.toLowerCase().startsWith(CLAIMS));
        if (claim === undefined) continue;
        const message = `${rule.name} matches ${quote(claim)}: routes are chosen before tokens are looked at, and no call has an attachment or header of that name`;
        report("TR0277", match.at.fields.headers ?? match.at.fields.withoutHeaders ?? match.at.position, message);
      }
    }
  }
}
