import type { Position } from "../../../base/errors.ts";
import type { VirtualService } from "../../../model/rule.ts";
import type { ConsistentHash, DestinationRule } from "../../../model/rules/destination-rule.ts";
import type { Located } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";

/** `sessionPersistence` of a rule as it stands there. */
export interface WrittenSession extends Located {
  readonly sessionName?: string;
  readonly type?: "Cookie" | "Header";
  readonly absoluteTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly cookieConfig?: Located & { readonly lifetimeType?: "Permanent" | "Session" };
}

const NAME = "trestle-session";

/** What keeps the calls of one session together: a hash of its cookie, or of its header. What a hash can't do is reported. */
export function readSession(session: WrittenSession, report: Report): ConsistentHash {
  const { at, sessionName = NAME, type = "Cookie", absoluteTimeoutMs: endsMs, cookieConfig } = session;
  const tell = (field: string, why: string) =>
    report("TR0227", at.fields[field] ?? at.position, `sessionPersistence.${field} ${why}`);
  if (session.idleTimeoutMs !== undefined) tell("idleTimeout", "does nothing: a session is known by its name alone");
  const isPermanent = type === "Cookie" && cookieConfig?.lifetimeType === "Permanent";
  if (endsMs !== undefined && !isPermanent)
    tell("absoluteTimeout", "does nothing: it is for cookies whose lifetimeType is Permanent");
  if (type === "Header") return { at, httpHeaderName: sessionName };
  return { at, httpCookie: { at, name: sessionName, path: "/", ttlMs: isPermanent ? (endsMs ?? 0) : 0 } };
}

/** DestinationRules with those that sessions need, and the sessions that others keep from being kept. */
export interface BoundSessions {
  readonly destinationRules: readonly DestinationRule[];
  readonly unkept: readonly { readonly position: Position; readonly message: string }[];
}

/**
 * Has the backends of rules with sessions be chosen by their hash: for a backend without a DestinationRule there is one then, and in that
 * of its host that says nothing of balancing the hash is put. Others hold as they are.
 */
export function bindSessions(routes: readonly VirtualService[], written: readonly DestinationRule[]): BoundSessions {
  const rules = new Map(written.map((rule) => [rule, rule]));
  const made = new Map<string, DestinationRule>();
  const unkept: { position: Position; message: string }[] = [];
  for (const { name, namespace, http, createdAtMs } of routes) {
    for (const { session, route = [] } of http) {
      if (session === undefined) continue;
      const trafficPolicy = { at: session.at, loadBalancer: { at: session.at, consistentHash: session } };
      for (const host of new Set(route.map(({ destination }) => destination.host.toLowerCase()))) {
        if (made.has(host)) continue;
        const own = written.filter((rule) => rule.host.toLowerCase() === host);
        const other = own.length > 0 ? own.find(saysBalancer) : written.find((rule) => covers(rule.host, host));
        if (other !== undefined)
          unkept.push({
            position: session.at.position,
            message: `sessionPersistence of ${name} is not kept for ${host}: DestinationRule ${other.name} says how its calls are spread; say consistentHash there`,
          });
        else if (own.length > 0)
          for (const rule of own)
            rules.set(rule, {
              ...rule,
              trafficPolicy: { ...trafficPolicy, ...rule.trafficPolicy, loadBalancer: trafficPolicy.loadBalancer },
            });
        else
          made.set(host, {
            ...{
              kind: "DestinationRule",
              at: session.at,
              name,
              namespace,
              createdAtMs,
              host,
              subsets: [],
              trafficPolicy,
            },
          });
      }
    }
  }
  return { destinationRules: [...rules.values(), ...made.values()], unkept };
}

function saysBalancer({ trafficPolicy, balancer }: DestinationRule): boolean {
  return balancer !== undefined || trafficPolicy?.loadBalancer !== undefined;
}

function covers(pattern: string, host: string): boolean {
  return pattern.startsWith("*") && host.endsWith(pattern.slice(1).toLowerCase());
}
