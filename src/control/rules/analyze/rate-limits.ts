import { printPosition, type Rule } from "../../../model/rule.ts";
import { limitsCalls, type MetaRouter } from "../../../model/rules/meta-router.ts";
import type { Bindings } from "../bindings.ts";
import type { Report } from "../findings.ts";
import { hostMatches, resolveDestination } from "../hosts.ts";

/** Checks limits: whether they are for something, whether another rule has them already, and whether the service that is asked is known. */
export function analyzeRateLimits({ entries }: Bindings, rules: readonly Rule[], report: Report): void {
  const limiting = rules.filter((rule): rule is MetaRouter => rule.kind === "MetaRouter" && limitsCalls(rule));
  const first = new Map<string, MetaRouter>();
  for (const rule of limiting) {
    rule.hosts.forEach((host, i) => {
      const at = rule.at.fields[`hosts[${i}]`] ?? rule.at.position;
      const other = first.get(host.toLowerCase());
      if (other === undefined) first.set(host.toLowerCase(), rule);
      else
        report(
          "TR0224",
          at,
          `calls of ${host} are limited by ${other.name} (${printPosition(other.at.position)}) already; the older wins`,
        );
      if (entries !== undefined && rule.http.length === 0 && !entries.entries.some((entry) => hostMatches(host, entry)))
        report("TR0220", at, `host ${host} matches no service that is known; the rule waits for one`);
    });
    const { globalRateLimit: global } = rule;
    const caller = entries?.entries.find((entry) => rule.hosts.some((host) => hostMatches(host, entry)));
    if (global === undefined || entries === undefined || caller === undefined) continue;
    const at = global.at.fields.rateLimitService ?? global.at.position;
    const { service, port } = global;
    const asked = resolveDestination({ host: service, ...(port && { port }) }, caller, entries);
    if (asked === undefined)
      report(
        "TR0221",
        at,
        `rate limit service ${service} is no service that is known${port === undefined ? "" : `, or has no port ${port.number}`}: ${fate(global.denyOnFail)}`,
      );
    else if (asked.endpoints.length > 0 && asked.endpoints.every(({ protocol }) => protocol !== "tri"))
      report(
        "TR0221",
        at,
        `rate limit service ${global.service} speaks no gRPC: give its port the protocol GRPC; ${fate(global.denyOnFail)}`,
      );
  }
}

function fate(denyOnFail: boolean): string {
  return denyOnFail ? "every call is refused" : "every call passes";
}
