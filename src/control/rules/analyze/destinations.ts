import type { Endpoint, Entry } from "../../../model/entry.ts";
import type { VirtualService } from "../../../model/rule.ts";
import type { DestinationRule } from "../../../model/rules/destination-rule.ts";
import type { Destination, HttpMatch, HttpRoute } from "../../../model/rules/http-route.ts";
import { printServiceKey } from "../../../model/service.ts";
import { isCarried, liveEndpoints } from "../../compile/endpoints.ts";
import { type Bindings, serviceNamed } from "../bindings.ts";
import type { Report } from "../findings.ts";
import { atPort, type EntryIndex, hostMatches, resolveDestination } from "../hosts.ts";
import { isHttpService } from "../http-service.ts";
import { resolveOutside } from "../lower/gateway.ts";
import { conditionsOf, lowerMatch } from "../lower/lower.ts";
import { findSubset } from "../lower/traffic.ts";
import { EVERY_PATH } from "../path.ts";

/** Checks where routes lead: services and subsets that are there, and calls that can be read as far as the rule needs. */
export function analyzeDestinations(bindings: Bindings, report: Report): void {
  for (const rule of bindings.virtualServices) {
    for (const route of rule.http) {
      if (rule.gateways.length > 0 && bindings.entries !== undefined) checkKinds(route, bindings.entries, report);
      for (const { destination } of route.route ?? [])
        checkDestination(rule, destination, 'its calls are answered "no endpoint"', bindings, report);
      for (const { destination } of route.mirrors ?? [])
        checkDestination(rule, destination, "no copies are made", bindings, report);
    }
    checkReadable(rule, bindings, report);
  }
  for (const rule of bindings.destinationRules) checkSubsets(rule, bindings, report);
}

/** A gateway carries requests to services that speak HTTP alone as they are, and makes calls of all others: a route does one of the two. */
function checkKinds({ route = [], mirrors = [] }: HttpRoute, entries: EntryIndex, report: Report): void {
  const kindOf = (destination: Destination): boolean | undefined => {
    const entry = resolveOutside(destination, entries);
    return entry === undefined || entry.endpoints.length === 0 ? undefined : isHttpService(entry);
  };
  const kinds = route.map(({ destination }) => kindOf(destination));
  const isHttp = !kinds.includes(false) && kinds.includes(true);
  const check = (destination: Destination, refused: string) => {
    const kind = kindOf(destination);
    if (kind === undefined || kind === isHttp) return;
    const [own, others] = kind ? ["HTTP alone", "Dubbo's protocols"] : ["Dubbo's protocols", "HTTP alone"];
    const text = `destination ${destination.host} speaks ${own}, and the route's others ${others}: gateways ${refused}`;
    report("TR0255", destination.at.fields.host ?? destination.at.position, text);
  };
  for (const { destination } of route) check(destination, "refuse its share of the requests");
  if (kinds.some((kind) => kind !== undefined))
    for (const { destination } of mirrors) check(destination, "make no copies for it");
}

/** `effect` is what becomes of calls that such a destination is not there for. */
function checkDestination(
  rule: VirtualService,
  destination: Destination,
  effect: string,
  bindings: Bindings,
  report: Report,
): void {
  const { host, subset, at } = destination;
  const callers = bindings.servicesOf(rule);
  const called = new Set<Entry>();
  if (bindings.entries === undefined) called.add(serviceNamed(host));
  for (const caller of callers) {
    const entry = resolveDestination(destination, caller, bindings.entries!);
    const named = resolveDestination({ host }, caller, bindings.entries!);
    if (named === undefined)
      report(
        "TR0221",
        at.fields.host ?? at.position,
        `${unknownText(host, caller, bindings)}: ${effect}${bindings.meantBy(host)}`,
      );
    else if (entry === undefined) reportPort(destination, named, effect, bindings, report);
    else called.add(entry);
  }
  if (bindings.entries !== undefined && callers.length === 0) {
    const alike = bindings.entries.byInterface(host.toLowerCase());
    const named = rule.inMesh
      ? (bindings.entries.byHost(host.toLowerCase()) ?? alike[0])
      : resolveOutside({ host }, bindings.entries);
    const known = named && atPort(named, destination.port?.number, [], bindings.entries);
    if (known !== undefined) called.add(known);
    else if (named !== undefined) reportPort(destination, named, effect, bindings, report);
    else if (alike.length > 0) report("TR0221", at.fields.host ?? at.position, ambiguousText(host, alike));
    else
      report(
        "TR0221",
        at.fields.host ?? at.position,
        `destination ${host} matches no service that is known${bindings.meantBy(host)}`,
      );
  }
  for (const entry of called)
    if (!isCarried(entry, bindings.protocols))
      report(
        "TR0221",
        at.fields.host ?? at.position,
        `destination ${host} has no ${bindings.protocols.includes("tri") ? "Dubbo2 or Triple" : "Dubbo2"} endpoint: ${effect}`,
      );
  for (const entry of called) checkPort(destination, entry, report);
  if (subset === undefined) return;
  for (const entry of called) {
    const ruled = bindings.rules.destinationRules.find(entry);
    if (findSubset(ruled, subset) !== undefined || isElsewhere(subset, entry, bindings)) continue;
    const known = [...new Set(ruled?.subsets.map(({ name }) => name))].join(", ");
    report(
      "TR0222",
      at.fields.subset ?? at.position,
      `subset ${subset} of ${host} is not defined${known === "" ? " by any DestinationRule" : `; ${ruled!.name} defines ${known}`}: ${effect}`,
    );
  }
}

/** Says of a service that it has no port of the number that a destination names. */
function reportPort(
  { host, port, at }: Destination,
  { ports = [], portOf, ...entry }: Entry,
  effect: string,
  { entries }: Bindings,
  report: Report,
): void {
  const first = portOf ?? entry.host;
  const others = [entries!.byHost(first), ...entries!.furtherOf(first)].flatMap((one) => one?.ports ?? []);
  const known = [...new Set([...ports, ...others].map(({ port: number }) => number))].sort((a, b) => a - b);
  const text = `destination ${host} has no port ${port?.number} that is carried; it has ${known.slice(0, 10).join(", ")}: ${effect}`;
  report("TR0221", at.fields.port ?? at.position, text);
}

/** A registry says no port of a service: a number that no provider has either is told of. */
function checkPort({ host, port, at }: Destination, { ports, endpoints }: Entry, report: Report): void {
  const number = port?.number;
  if (number === undefined || ports !== undefined || endpoints.length === 0) return;
  if (endpoints.some((one) => one.port === number)) return;
  const text = `port ${number} of destination ${host} has no meaning: providers are called at their own ports, and none has that one`;
  report("TR0227", at.fields.port ?? at.position, text);
}

/** Whether callers of other namespaces or with labels of their own have a DestinationRule with that subset. */
function isElsewhere(subset: string, entry: Entry, bindings: Bindings): boolean {
  return bindings.destinationRules.some(
    (rule) =>
      (rule.workloadSelector !== undefined || bindings.servicesOf(rule).includes(entry)) &&
      hostMatches(rule.host, entry) &&
      findSubset(rule, subset) !== undefined,
  );
}

function ambiguousText(host: string, alike: readonly Entry[]): string {
  const hosts = alike.slice(0, 5).map((entry) => entry.host);
  return `destination ${host} has several groups or versions, and calls from outside have none: name one of the hosts ${hosts.join(", ")}`;
}

function unknownText(host: string, caller: Entry, { entries }: Bindings): string {
  const others = entries!.byInterface(host.toLowerCase()).map(({ service }) => printServiceKey(service));
  const known = others.length === 0 ? "" : `; known are ${others.slice(0, 5).join(", ")}`;
  const kept = others.length === 0 ? "" : ` with the group and version of ${printServiceKey(caller.service)}`;
  return `destination ${host} matches no service that is known${kept}${known}`;
}

/** Reports what needs a call's head or body to be read or changed where a provider's serialization can only be carried. */
function checkReadable(rule: VirtualService, bindings: Bindings, report: Report): void {
  for (const entry of bindings.servicesOf(rule)) {
    const only = liveEndpoints(entry, undefined, ["dubbo"]).find(isCarriedOnly);
    if (only === undefined) continue;
    const name = printServiceKey(entry.service);
    // Fastjson2 is read for rules, but not written.
    const isRead = serializationsOf(only).includes("fastjson2");
    const what = isRead ? "are not changed" : "are only carried";
    const why = `calls of ${name} in serialization ${serializationOf(only)} ${what}`;
    for (const route of rule.http) {
      for (const match of route.match ?? [])
        if (!isRead && needsReading(match, entry))
          report("TR0229", match.at.position, `${why}: this match can't be told from them`);
      for (const operations of [route.headers?.request, ...(route.route ?? []).map(({ headers }) => headers?.request)])
        if (operations !== undefined)
          report("TR0229", operations.at.position, `${why}: their attachments can't be changed`);
      for (const { destination } of route.route ?? []) {
        const called = resolveDestination(destination, entry, bindings.entries!);
        if (called !== undefined && called !== entry && called.portOf === undefined)
          report(
            "TR0229",
            destination.at.position,
            `${why}: they can't be rewritten to ${printServiceKey(called.service)}`,
          );
      }
    }
  }
}

function needsReading(match: HttpMatch, entry: Entry): boolean {
  const lowered = lowerMatch(match, entry);
  return lowered !== undefined && (lowered.path !== EVERY_PATH || conditionsOf(lowered).length > 0);
}

/** Hessian2 is Dubbo's own default; a provider that takes it beside another is called with it. */
function isCarriedOnly(endpoint: Endpoint): boolean {
  const named = serializationsOf(endpoint);
  return named.length > 0 && !named.includes("hessian2");
}

/** All that a provider names. */
function serializationsOf({ params }: Endpoint): readonly string[] {
  const named = [params.serialization ?? "", ...(params["prefer.serialization"] ?? "").split(",")];
  return named.map((name) => name.trim()).filter((name) => name !== "");
}

function serializationOf({ params }: Endpoint): string {
  return params.serialization ?? params["prefer.serialization"] ?? "hessian2";
}

function checkSubsets(rule: DestinationRule, bindings: Bindings, report: Report): void {
  const live = (entry: Entry, labels?: Readonly<Record<string, string>>) =>
    liveEndpoints(entry, labels, bindings.protocols).length;
  const services = bindings.servicesOf(rule).filter((entry) => live(entry) > 0);
  if (services.length === 0) return;
  for (const subset of rule.subsets) {
    if (services.some((entry) => live(entry, subset.labels) > 0)) continue;
    const labels = Object.entries(subset.labels ?? {}).map(([name, value]) => `${name}=${value}`);
    const total = services.reduce((sum, entry) => sum + live(entry), 0);
    report(
      "TR0223",
      subset.at.position,
      `subset ${subset.name} (${labels.join(", ")}) selects none of the ${total} endpoints of ${rule.host}`,
    );
  }
}
