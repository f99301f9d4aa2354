import { hostName } from "../../codecs/xds/authority.ts";
import { printPlace, type VirtualService } from "../../model/rule.ts";
import { isSeen } from "../rules/client.ts";
import { commonDomain, isBoundTo, namesGateway, takesNamespace } from "../rules/gateway-binding.ts";
import { domainCovers } from "../rules/gateway-ports.ts";
import { lowerHttpMatch } from "../rules/lower/gateway.ts";
import type { PassedOver } from "./explanation.ts";
import type { OpenPort } from "./gateway-port.ts";
import { MAX_PASSED_OVER, named, type RuleBook, unmet } from "./rule-book.ts";

/** A Host at a port, and the domain whose routes count for it. */
export interface AskedHost {
  readonly port: OpenPort;
  readonly host: string;
  /** `""` for none. */
  readonly domain: string;
}

/** VirtualServices, and matches of those in force, that name the Host and have no route of its domain. */
export function passedOverAt(asked: AskedHost, { rules, client }: Pick<RuleBook, "rules" | "client">): PassedOver[] {
  const name = hostName(asked.host);
  const taking = rules.filter(
    (rule): rule is VirtualService =>
      rule.kind === "VirtualService" && rule.hosts.some((host) => domainCovers(host.toLowerCase(), name)),
  );
  const found = taking.flatMap((rule) => {
    const why = whyNot(rule, asked, client.namespace);
    return why === undefined ? unmeetable(rule, asked.port) : [{ ...named(rule), why }];
  });
  return found.slice(0, MAX_PASSED_OVER);
}

function whyNot(rule: VirtualService, { port: { served }, domain }: AskedHost, namespace: string): string | undefined {
  if (!isSeen(rule.exportTo, rule.namespace, namespace))
    return `its exportTo (${rule.exportTo!.join(", ")}) leaves out namespace ${namespace}, which the proxy is of`;
  if (rule.gateways.length === 0) return "it names no gateway: it is for calls in the mesh";
  const bound = served.filter(({ gateway }) => isBoundTo(rule, gateway));
  if (bound.length === 0)
    return `it is for calls that come in by ${rule.gateways.join(", ")}, which have no server at this port`;
  const hosts = bound.flatMap(({ server }) => server.hosts);
  const taken = bound.flatMap(({ gateway, server }) =>
    server.hosts.filter((one) => takesNamespace(one, rule, gateway)),
  );
  if (taken.length === 0)
    return `the server takes no rules of namespace ${rule.namespace}: its hosts are ${hosts.join(", ")}`;
  const domains = rule.hosts.flatMap((host) => taken.flatMap((one) => commonDomain(host, one) ?? []));
  if (domains.includes(domain)) return undefined;
  return domains.length === 0
    ? `its hosts have nothing in common with the server's, ${taken.join(", ")}`
    : `the routes of ${domain} count, which names the Host more narrowly than ${[...new Set(domains)].join(", ")}`;
}

/** Matches that no request at the port can meet. */
function unmeetable(rule: VirtualService, { served, listener }: OpenPort): PassedOver[] {
  const own = listener.address.socketAddress.portValue;
  const gateways = served.map(({ gateway }) => gateway);
  return rule.http.flatMap(({ name, match = [] }, position) =>
    match.flatMap((one) => {
      const isUnmet: Parameters<typeof unmet>[1] = (part) => {
        const { port = 0, gateways: texts = [] } = part;
        if (port !== 0 && port !== own) return true;
        if (texts.length > 0 && !texts.some((text) => gateways.some((gateway) => namesGateway(text, rule, gateway))))
          return true;
        return lowerHttpMatch(part) === undefined;
      };
      if (!isUnmet(one)) return [];
      const why = `no request at this port can meet its ${unmet(one, isUnmet)}`;
      return [{ rule: `route ${rule.name}/${name ?? position}`, at: printPlace(one.at.position), why }];
    }),
  );
}
