import type { HttpRoute } from "./http-route.ts";
import type { RuleIdentity } from "./located.ts";

/** Aeraki's MetaRouter: the routes of services of a protocol of their own, such as Dubbo's. */
export interface MetaRouter extends RuleIdentity {
  readonly kind: "MetaRouter";
  readonly hosts: readonly string[];
  readonly http: readonly HttpRoute[];
}
