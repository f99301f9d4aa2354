import type { HeaderMutations, HeaderValueOption, Route } from "../../../codecs/xds/route.ts";

/**
 * A route with its own changes of headers among those of its destinations, where these have some: an Envoy makes a route's changes behind its
 * destinations', and the destination's word counts.
 */
export function destinationsLast(route: Route): Route {
  const { requestHeadersToAdd, requestHeadersToRemove, responseHeadersToAdd, responseHeadersToRemove, ...others } =
    route;
  const clusters = route.route?.weightedClusters?.clusters ?? [];
  if (!changesHeaders(route) || !clusters.some(changesHeaders)) return route;
  const merged = clusters.map((one) => {
    const request = both(
      requestHeadersToAdd,
      requestHeadersToRemove,
      one.requestHeadersToAdd,
      one.requestHeadersToRemove,
    );
    const response = both(
      responseHeadersToAdd,
      responseHeadersToRemove,
      one.responseHeadersToAdd,
      one.responseHeadersToRemove,
    );
    return {
      ...one,
      ...(request.add.length > 0 && { requestHeadersToAdd: request.add }),
      ...(request.remove.length > 0 && { requestHeadersToRemove: request.remove }),
      ...(response.add.length > 0 && { responseHeadersToAdd: response.add }),
      ...(response.remove.length > 0 && { responseHeadersToRemove: response.remove }),
    };
  });
  return { ...others, route: { ...route.route, weightedClusters: { clusters: merged } } };
}

function changesHeaders(of: HeaderMutations): boolean {
  return [of.requestHeadersToAdd, of.requestHeadersToRemove, of.responseHeadersToAdd, of.responseHeadersToRemove].some(
    (list) => list !== undefined && list.length > 0,
  );
}

/** One list of two; of one list an Envoy takes out first and adds then. */
function both(
  routeAdds: readonly HeaderValueOption[] = [],
  routeRemoves: readonly string[] = [],
  adds: readonly HeaderValueOption[] = [],
  removes: readonly string[] = [],
): { readonly add: readonly HeaderValueOption[]; readonly remove: readonly string[] } {
  const gone = new Set(removes.map((name) => name.toLowerCase()));
  const kept = routeAdds.filter(({ header }) => !gone.has(header.key.toLowerCase()));
  return { add: [...kept, ...adds], remove: [...new Set([...routeRemoves, ...removes])] };
}
