import type { Destination, HttpRoute } from "./http-route.ts";
import type { Located, RuleIdentity } from "./located.ts";

/** What a Gateway API object names: another object, or with `Hostname` a host itself. */
export interface ObjectRef extends Located {
  readonly kind: "ServiceEntry" | "Service" | "Hostname";
  readonly name: string;
  readonly namespace: string;
}

/** A service that a route is for; `port` is one of its ports, absent for all, `section` the name of one where a ServiceEntry has it. */
export interface RouteParent extends ObjectRef {
  readonly port?: number;
  readonly section?: string;
}

/** A destination that was named as an object. */
export interface BackendDestination extends Destination {
  readonly ref: ObjectRef;
}

/** One match of a route's rule with what its rule does. Of two that take a call the one with the larger rank, number by number, decides. */
export interface RankedRoute {
  readonly rank: readonly number[];
  readonly route: HttpRoute;
}

/** Gateway API's GRPCRoute or HTTPRoute, for services of the mesh. */
export interface GatewayRoute extends RuleIdentity {
  readonly kind: "GRPCRoute" | "HTTPRoute";
  readonly parents: readonly RouteParent[];
  readonly routes: readonly RankedRoute[];
}
