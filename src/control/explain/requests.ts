import { hostName, nameAmong } from "../../codecs/xds/authority.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import { parseServiceKey } from "../../model/service.ts";
import { explainRoutes } from "./explain.ts";
import type { Explanation, MadeUpRequest } from "./explanation.ts";
import type { Known } from "./known.ts";
import { meshHosts, serviceOf } from "./mesh-hosts.ts";
import { knownClaims } from "./routes.ts";

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

/** The first parameter of a name, as it is written. */
function rawParameter(query: string, name: string): string | undefined {
  const pairs = query === "" ? [] : query.slice(1).split("&");
  const found = pairs.find((pair) => pair === name || pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

/** Says what becomes of a request in the mesh, to the service that its Host names; throws an `Error` of one line where there is none. */
export function explainRequest(resources: ResourceSet, request: MadeUpRequest, known?: Known): Explanation {
  const host = hostOf(request);
  const virtualHost = hostNamed(resources, host);
  if (virtualHost === undefined)
    throw new Error(
      `no service of the mesh has the host "${host}"; see trestle services, and --gateway for calls from outside`,
    );
  const service = serviceOf(virtualHost);
  const seen = {
    path: request.path,
    header: requestLookup(request),
    claims: knownClaims(virtualHost, request.claims),
  };
  const lookups = { asRouters: () => undefined, policyHeader: requestLookup(request, true) };
  return explainRoutes(
    resources,
    { virtualHost, service, call: request, seen, verb: request.verb, query: request.query, ...lookups },
    known,
  );
}

/** By the service's host, a further port's number behind it, or its plain name where it has no group and version. */
function hostNamed(resources: ResourceSet, authority: string) {
  const all = meshHosts(resources);
  const plain = all.flatMap((one) => {
    const { interface: name, group, version } = parseServiceKey(serviceOf(one));
    return group === "" && version === "" ? [[name.toLowerCase(), one] as const] : [];
  });
  const names = new Map([...plain, ...all.map((one) => [one.name.toLowerCase(), one] as const)]);
  const found = nameAmong(names, hostName(authority));
  const [, port = "80"] = /:(\d{1,5})$/.exec(authority) ?? [];
  return found && (names.get(`${found.name.toLowerCase()}:${port}`) ?? found);
}
