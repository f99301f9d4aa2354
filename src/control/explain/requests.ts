import { hostAmong, hostName, namesOf } from "../../codecs/xds/authority.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { rawParameter } from "../../codecs/xds/raw-parameter.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { VirtualHost } from "../../codecs/xds/route.ts";
import { parseServiceKey } from "../../model/service.ts";
import { explainRoutes } from "./explain.ts";
import type { Explanation, MadeUpRequest } from "./explanation.ts";
import type { Known } from "./known.ts";
import { meshHosts, serviceOf } from "./mesh-hosts.ts";
import { knownClaims } from "./routes.ts";
import { openRuleBook } from "./rule-book.ts";

/** What a request names as its Host: the header of that name, else what it is sent to. */
export function hostOf({ headers, authority }: Pick<MadeUpRequest, "headers" | "authority">): string {
  const said = Object.entries(headers).find(([name]) => /^(?:host|:authority)$/i.test(name));
  return said?.[1] ?? authority;
}

/** A request's headers as rules see them; `decoded`: parameters, too, as policies do. */
export function requestLookup(request: MadeUpRequest, decoded = false): HeaderLookup {
  const { verb, scheme, path, query } = request;
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const parameters = new URLSearchParams(query);
  return (name) => {
    switch (name) {
      case ":method":
        return verb;
      case ":authority":
      case "host":
        return hostOf(request);
      case ":scheme":
        return scheme;
      case ":path":
        return `${path}${query}`;
    }
    if (!name.startsWith("?")) return headers.get(name.toLowerCase());
    return decoded ? (parameters.get(name.slice(1)) ?? undefined) : rawParameter(query, name.slice(1));
  };
}

/** Says what becomes of a request in the mesh, to the service that its Host names; throws an `Error` of one line where there is none. */
export function explainRequest(resources: ResourceSet, request: MadeUpRequest, known?: Known): Explanation {
  const host = hostOf(request);
  const book = openRuleBook(known);
  const virtualHost = hostNamed(resources, host);
  if (virtualHost === undefined)
    throw new Error(
      book.unseen(hostName(host)) ??
        `no service of the mesh has the host "${host}"; see trestle services, and --gateway for calls from outside`,
    );
  const service = serviceOf(virtualHost);
  const seen = {
    path: request.path,
    header: requestLookup(request),
    claims: knownClaims(virtualHost, request.claims),
  };
  const lookups = { asRouters: () => undefined, policyHeader: requestLookup(request, true), book };
  return explainRoutes(
    resources,
    { virtualHost, service, call: request, seen, verb: request.verb, query: request.query, ...lookups },
    known,
  );
}

function hostNamed(resources: ResourceSet, authority: string): VirtualHost | undefined {
  const hosts = meshHosts(resources).map((virtualHost) => {
    return { host: virtualHost.name, key: parseServiceKey(serviceOf(virtualHost)), virtualHost };
  });
  return hostAmong(namesOf(hosts), authority)?.virtualHost;
}
