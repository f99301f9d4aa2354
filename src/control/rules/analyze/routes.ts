import type { Entry } from "../../../model/entry.ts";
import { printPosition, type Rule, type VirtualService } from "../../../model/rule.ts";
import type { Headers, HttpMatch, HttpRoute } from "../../../model/rules/http-route.ts";
import { type Bindings, serviceNamed } from "../bindings.ts";
import { lowerClaims } from "../claims.ts";
import { meshClient } from "../client.ts";
import type { Report } from "../findings.ts";
import { indexEntries } from "../hosts.ts";
import { isHttpService } from "../http-service.ts";
import { sumOfWeights } from "../kinds/istio-schema.ts";
import { isAuthority, lowerMatch, type NeverMet, neverMet, PSEUDO_HEADERS } from "../lower/lower.ts";
import { withServiceEntries } from "../service-entries.ts";
import { checkHttpMatch, HTTP_VERBS, httpOrder } from "./http-matches.ts";
import { checkOrder, type Order, orderByPort } from "./route-order.ts";

const INSTEAD: Readonly<Record<NeverMet, string>> = {
  scheme: "a Dubbo call has no scheme",
  queryParams: "a Dubbo call has no query; match attachments under headers",
  sourceLabels:
    "of callers that share a proxy the label app alone is known; match an attachment, or give each its own proxy",
  gateways: 'it leaves out "mesh"',
};

const WITH_LABELS = "applies at proxies that have these labels themselves alone";

/** What calls of a rule's hosts are. */
type CallKind = "http" | "dubbo" | "unknown";

/** Checks the routes of each VirtualService one by one and in their order. */
export function analyzeRoutes(bindings: Bindings, rules: readonly Rule[], report: Report): void {
  const written = indexEntries(bindings.entries === undefined ? withServiceEntries([], rules) : []);
  for (const rule of bindings.virtualServices) {
    if (rule.hosts.length === 0) continue;
    if (rule.http.length === 0 && rule.tls === undefined && rule.tcp === undefined)
      report(
        "TR0257",
        rule.at.position,
        `VirtualService ${rule.name} has no routes: calls pass as if it were not there`,
      );
    const bound = bindings.servicesOf(rule);
    const named = rule.hosts.flatMap((host) => written.byHost(host.toLowerCase()) ?? []);
    const services = bound.length > 0 ? bound : named.flatMap((one) => [one, ...written.furtherOf(one.host)]);
    const kind = kindOf(rule, services);
    for (const route of rule.http) {
      const isPassedOver = route.redirect !== undefined && kind === "dubbo";
      if (isPassedOver) reportRedirect(rule, route, report);
      checkRoute(rule, route, report);
      if (isPassedOver) continue;
      for (const match of route.match ?? []) {
        checkNames(match, report);
        if (kind === "http") checkHttpMatch(rule, match, services, bindings, report);
        else if (kind === "dubbo") checkMatch(rule, match, bindings, report);
      }
    }
    const order = kind === "dubbo" ? dubboOrder(rule, services[0]) : httpOrder(rule, services[0]);
    checkOrder(rule, orderByPort(order, services), report);
  }
}

/** Gateways take requests. Where no service is known, a name of a Java interface tells, and nothing else. */
function kindOf({ inMesh, hosts }: VirtualService, services: readonly Entry[]): CallKind {
  if (!inMesh) return "http";
  if (services.length > 0) return services.every(isHttpService) ? "http" : "dubbo";
  return hosts.some((host) => /(?:^|\.)[A-Z][^.]*$/.test(host)) ? "dubbo" : "unknown";
}

function checkRoute(rule: VirtualService, route: HttpRoute, report: Report): void {
  const { position, fields } = route.at;
  const destinations = route.route ?? [];
  const sum = sumOfWeights(destinations);
  if (destinations.length > 1 && sum !== 100 && rule.attached === undefined)
    report(
      "TR0231",
      fields.route ?? position,
      `weights add up to ${sum}, not 100; each is taken as its share of ${sum}`,
    );
  if (route.corsPolicy !== undefined && rule.gateways.length === 0)
    report(
      "TR0227",
      fields.corsPolicy ?? position,
      "corsPolicy has no meaning for a call in the mesh: no browser makes one",
    );
  checkHeaders(route.headers, report);
  for (const { headers } of destinations) checkHeaders(headers, report);
}

function reportRedirect(rule: VirtualService, { name = "without a name", at }: HttpRoute, report: Report): void {
  const why = "callers of Dubbo can't be sent elsewhere: their calls go on to the next route";
  report("TR0230", at.fields.redirect ?? at.position, `route ${name} of ${rule.name} redirects callers; ${why}`);
}

function checkHeaders(headers: Headers | undefined, report: Report): void {
  checkPseudoHeaders(headers, report);
  const operations = headers?.request;
  if (operations === undefined) return;
  for (const name of [
    ...Object.keys(operations.set ?? {}),
    ...Object.keys(operations.add ?? {}),
    ...(operations.remove ?? []),
  ]) {
    if (!/^dubbo-(group|version|application|arg-\d+.*)$/i.test(name)) continue;
    report(
      "TR0235",
      operations.at.position,
      `${name} is a view of the call, no attachment; name another service as the destination to change group or version`,
    );
  }
}

/** Of what a request or an answer begins with a rule may change the Host alone, and not take it away. */
function checkPseudoHeaders({ request, response }: Partial<Headers> = {}, report: Report): void {
  for (const operations of [request, response]) {
    if (operations === undefined) continue;
    const { at, set = {}, add = {}, remove = [] } = operations;
    const changed = [...Object.keys(set), ...Object.keys(add)].filter(
      (name) => operations === response || !isAuthority(name),
    );
    for (const name of [...changed, ...remove])
      if (name.startsWith(":") || isAuthority(name))
        report(
          "TR0228",
          at.position,
          `${name} is left out: it is no header that a rule can change so. rewrite.uri changes a request's path, rewrite.authority or set of host whom it asks for`,
        );
  }
}

/** Names under headers that mean no header. */
function checkNames(match: HttpMatch, report: Report): void {
  const { position, fields } = match.at;
  for (const list of ["headers", "withoutHeaders"] as const) {
    for (const name of Object.keys(match[list] ?? {})) {
      if (PSEUDO_HEADERS.includes(name))
        report(
          "TR0227",
          fields[list] ?? position,
          `${list}.${name} is passed over, as Istio does; use the field ${name} of the match`,
        );
      if (/^dubbo-arg(?:-|$)/i.test(name) && !/^dubbo-arg-\d+(?:\.[^.]+)*$/i.test(name))
        report(
          "TR0227",
          fields[list] ?? position,
          `${list}.${name} names no argument and is compared with an attachment of that name; arguments are dubbo-arg-0, dubbo-arg-1.field and so on`,
        );
    }
  }
}

const places = new WeakMap<VirtualService, Map<string, HttpMatch[]>>();

/** The matches that stand at the same place, this one among them. */
function alikeOf(rule: VirtualService, { at }: HttpMatch): readonly HttpMatch[] {
  let known = places.get(rule);
  if (known === undefined) {
    known = new Map();
    for (const one of rule.http.flatMap(({ match = [] }) => match)) {
      const place = printPosition(one.at.position);
      known.set(place, [...(known.get(place) ?? []), one]);
    }
    places.set(rule, known);
  }
  return known.get(printPosition(at.position)) ?? [];
}

function checkMatch(rule: VirtualService, match: HttpMatch, bindings: Bindings, report: Report): void {
  const { position, fields } = match.at;
  if (match.method !== undefined && match.method.type === "exact" && HTTP_VERBS.includes(match.method.value))
    report(
      "TR0232",
      fields.method ?? position,
      `method ${match.method.value} looks like an HTTP verb; on a Dubbo host it is the Java method's name`,
    );
  const never = neverMet(match);
  for (const name of never) {
    if (rule.gateways.length > 0 && ["gateways", "scheme", "queryParams"].includes(name)) continue;
    report(
      "TR0227",
      fields[name] ?? position,
      `match asks for ${name}, so it ${name === "sourceLabels" ? WITH_LABELS : "never applies to a Dubbo call"}: ${INSTEAD[name]}`,
    );
  }
  // What else there is to say of such a name, TR0277 does.
  if (never.length > 0 || lowerClaims(match) === undefined) return;
  const services = bindings.servicesOf(rule);
  const client = { ...meshClient(), namespace: match.sourceNamespace || meshClient().namespace };
  if (
    services.length > 0 &&
    services.every((entry) => lowerMatch({ ...match, port: 0 }, entry, client) !== undefined)
  ) {
    if (services.some((entry) => lowerMatch(match, entry, client) !== undefined)) return;
    report("TR0233", fields.port ?? position, `no provider of ${rule.hosts.join(", ")} listens on port ${match.port}`);
    return;
  }
  if (rule.attached !== undefined) {
    // One match of Gateway API may stand here as several, of which a call has to meet one.
    const [first, ...others] = alikeOf(rule, match);
    const isMet = (one: HttpMatch) => services.some((entry) => lowerMatch(one, entry, client) !== undefined);
    if (first !== match || others.some(isMet)) return;
  }
  if (services.length > 0 && services.every((entry) => lowerMatch(match, entry, client) === undefined))
    report(
      "TR0233",
      fields.uri ?? fields.authority ?? position,
      `no call of ${services[0]!.service.interface} can meet this match; a uri is "/${services[0]!.service.interface}/method"`,
    );
}

function dubboOrder(rule: VirtualService, entry = serviceNamed(rule.hosts[0] ?? "*")): Order {
  return { lower: (match) => lowerMatch(match, entry), redirects: false, tellsEnd: true };
}
