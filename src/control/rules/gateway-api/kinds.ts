import type { GatewayRoute, RankedRoute, RouteParent } from "../../../model/rules/gateway-route.ts";
import type { Located } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";
import { metadata } from "../kinds/istio-schema.ts";
import { anything, text } from "../kinds/istio-values.ts";
import { object } from "../kinds/shapes.ts";
import type { ObjectShape } from "../schema.ts";
import { readAction, type WrittenAction } from "./actions.ts";
import { type GrpcRouteMatch, type HttpRouteMatch, type RankedMatch, readGrpcMatch, readHttpMatch } from "./matches.ts";
import { readRef, type WrittenRef } from "./refs.ts";
import { grpcRouteSpec, httpRouteSpec } from "./schema.ts";

/** How objects of a kind of Gateway API are read. */
export interface GatewayApiKind {
  /** Of the whole object. */
  readonly shape: ObjectShape;
  read(
    spec: Located & Record<string, unknown>,
    namespace: string,
    report: Report,
  ): Pick<GatewayRoute, "parents" | "routes">;
}

const whole = (spec: ObjectShape): ObjectShape =>
  object({
    apiVersion: { shape: text, required: true },
    kind: { shape: text, required: true },
    metadata: { shape: metadata, required: true },
    spec: { shape: spec, required: true },
    status: { shape: anything },
  });

/** The kinds of Gateway API that are applied. */
export const GATEWAY_API_KINDS: Readonly<Record<GatewayRoute["kind"], GatewayApiKind>> = {
  GRPCRoute: {
    shape: whole(grpcRouteSpec),
    read: (spec, namespace, report) => readRoute<GrpcRouteMatch>(spec, namespace, report, readGrpcMatch),
  },
  HTTPRoute: {
    shape: whole(httpRouteSpec),
    read: (spec, namespace, report) => readRoute<HttpRouteMatch>(spec, namespace, report, readHttpMatch),
  },
};

interface Rule<M> extends WrittenAction {
  readonly matches?: readonly M[];
}

function readRoute<M extends Located>(
  spec: Located & Record<string, unknown>,
  namespace: string,
  report: Report,
  readMatch: (match: M, report: Report) => RankedMatch,
): Pick<GatewayRoute, "parents" | "routes"> {
  const { parentRefs = [], rules = [] } = spec as unknown as {
    readonly parentRefs?: readonly WrittenRef[];
    readonly rules?: readonly Rule<M>[];
  };
  return {
    parents: parentRefs.flatMap((ref) => readParent(ref, namespace, report)),
    routes: rules.flatMap((rule): RankedRoute[] => {
      const action = readAction(rule, namespace, report);
      const written = rule.matches ?? [];
      const matches =
        written.length === 0 ? [readMatch({ at: rule.at } as M, report)] : written.map((one) => readMatch(one, report));
      return matches.map(({ rank, matches: match }) => ({ rank, route: { at: match[0]!.at, match, ...action } }));
    }),
  };
}

const GATEWAY = "gateway.networking.k8s.io/Gateway";
const NO_GATEWAYS = ". Its own controller serves it; Trestle takes callers from outside by Istio's Gateway";

/** A parent without a group or kind is a Gateway; those lead callers from outside in, which is Istio's Gateway's part here. */
function readParent(ref: WrittenRef, namespace: string, report: Report): RouteParent[] {
  const parent = readRef(ref, namespace, "gateway.networking.k8s.io", "Gateway");
  if (typeof parent === "string") {
    const why = parent === GATEWAY ? NO_GATEWAYS : "";
    const text = `parent ${ref.name} is not applied: routes are for a Service or a ServiceEntry, not for a ${parent}${why}`;
    report("TR0227", ref.at.position, text);
    return [];
  }
  const { port, sectionName = "" } = ref;
  const isSaid = parent.kind === "ServiceEntry" && sectionName !== "";
  if (!isSaid && sectionName !== "")
    report(
      "TR0227",
      ref.at.fields.sectionName ?? ref.at.position,
      `sectionName of parent ${ref.name} has no meaning: ports have names in a ServiceEntry alone, so the route is for ${port === undefined ? "all ports; name one by port" : `port ${port}`}`,
    );
  return [{ ...parent, ...(port !== undefined && { port }), ...(isSaid && { section: sectionName }) }];
}
