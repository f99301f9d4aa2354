import type { Entry } from "../../../model/entry.ts";
import type { VirtualService } from "../../../model/rule.ts";
import type { HttpMatch, TextMatch } from "../../../model/rules/http-route.ts";
import type { Bindings } from "../bindings.ts";
import { meshClient } from "../client.ts";
import type { Report } from "../findings.ts";
import { namesGateway } from "../gateway-binding.ts";
import { lowerHttpMatch } from "../lower/gateway.ts";
import { lowerInMesh } from "../lower/http.ts";
import { EVERY_PATH, textMatches } from "../path.ts";
import type { Order } from "./route-order.ts";

/** The methods of HTTP that a match is likely to mean. */
export const HTTP_VERBS: readonly string[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "CONNECT",
  "TRACE",
];

/**
 * How the routes of a rule for services that speak HTTP (`entry` is one of them), or for gateways alone, come one after the other. In the mesh
 * without an `entry` nothing is known of the calls: what is true of Dubbo's too is told.
 */
export function httpOrder({ inMesh }: VirtualService, entry: Entry | undefined): Order {
  const lower: Order["lower"] = (match) => {
    if (inMesh && entry !== undefined) return lowerInMesh(match, entry, meshClient());
    if (match === undefined) return { path: EVERY_PATH, headers: [] };
    const { port = 0, gateways = [] } = match;
    const lowered = lowerHttpMatch(match);
    const only = [...(port === 0 ? [] : [`port ${port}`]), ...(gateways.length === 0 ? [] : [`of ${gateways.join()}`])];
    return lowered && { ...lowered, only };
  };
  return { lower, redirects: !inMesh || entry !== undefined, tellsEnd: inMesh };
}

/** Names what no request of HTTP can meet, in a rule for services that speak HTTP (`services`) or for gateways alone. */
export function checkHttpMatch(
  rule: VirtualService,
  match: HttpMatch,
  services: readonly Entry[],
  bindings: Bindings,
  report: Report,
): void {
  const { position, fields } = match.at;
  const never = (field: "uri" | "method" | "scheme" | "port", why: string) =>
    report("TR0233", fields[field] ?? position, `no request can meet this match: ${why}`);
  const { uri, method, scheme, port = 0, gateways = [] } = match;
  if (!rule.inMesh) checkOutside(match, report);
  else if (Object.keys(match.sourceLabels ?? {}).length > 0)
    report(
      "TR0227",
      fields.sourceLabels ?? position,
      "match asks for sourceLabels, so it applies at proxies that have these labels themselves alone: a request does not say who sends it; match a header that callers set",
    );
  if (rule.inMesh && rule.gateways.length === 0 && gateways.length > 0 && !gateways.includes("mesh"))
    report("TR0227", fields.gateways ?? position, 'match asks for gateways, so it never applies: it leaves out "mesh"');
  for (const list of ["headers", "withoutHeaders"] as const)
    for (const name of Object.keys(match[list] ?? {}))
      if ((services.length > 0 || !rule.inMesh) && /^dubbo-(?:arg-\d.*|group|version|application)$/i.test(name))
        report(
          "TR0227",
          fields[list] ?? position,
          `${list}.${name} is compared with a header of that name: a request of HTTP has no arguments, group, version or application of Dubbo's`,
        );
  if (isNoPath(uri)) never("uri", `a path begins with a slash, and uri is ${uri.type} ${JSON.stringify(uri.value)}`);
  if (method?.type === "exact" && HTTP_VERBS.includes(method.value.toUpperCase()) && !HTTP_VERBS.includes(method.value))
    never("method", `methods of HTTP are in capitals, ${method.value.toUpperCase()}`);
  const isOfMesh = rule.inMesh && rule.gateways.length === 0;
  if (isOfMesh && scheme !== undefined && !textMatches(scheme, "http", false))
    never("scheme", "the scheme of requests in the mesh is http");
  const ports = portsOf(rule, services, bindings);
  if (port !== 0 && ports.length > 0 && !ports.includes(port))
    never(
      "port",
      `${rule.hosts.join(", ")} is called at ${[...new Set(ports)].slice(0, 5).join(", ")}, not at ${port}`,
    );
}

/** Callers from outside stand beside no proxy that could say who they are. */
function checkOutside({ at, sourceLabels = {}, sourceNamespace = "" }: HttpMatch, report: Report): void {
  const asked = Object.keys(sourceLabels).length > 0 ? "sourceLabels" : sourceNamespace === "" ? "" : "sourceNamespace";
  if (asked !== "")
    report(
      "TR0227",
      at.fields[asked] ?? at.position,
      `match asks for ${asked}, so it never applies: nobody knows that of callers who come by a gateway`,
    );
}

function isNoPath(uri: TextMatch | undefined): uri is TextMatch & { type: "exact" | "prefix" } {
  if (uri?.type !== "exact" && uri?.type !== "prefix") return false;
  return uri.value !== "" && uri.value !== "*" && !uri.value.startsWith("/");
}

/** Where requests come in that the rule is for; none where that is not known. */
function portsOf(rule: VirtualService, services: readonly Entry[], { gateways }: Bindings): readonly number[] {
  const named = gateways.filter((gateway) => rule.gateways.some((text) => namesGateway(text, rule, gateway)));
  if (named.length < rule.gateways.filter((text) => text !== "mesh").length) return [];
  const outside = named.flatMap(({ servers }) => servers.map(({ port }) => port.number));
  if (!rule.inMesh) return outside;
  const inside = services.flatMap(({ endpoints, ports = endpoints }) => ports.map(({ port }) => port));
  return inside.length === 0 ? [] : [...inside, ...outside];
}
