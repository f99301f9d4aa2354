import { isIP } from "node:net";
import { printAddress } from "../../base/address.ts";
import { hostName } from "../../codecs/xds/authority.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { FilterChain, Listener, Passage } from "../../codecs/xds/listener.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import { chainFor } from "../../codecs/xds/server-names.ts";
import type { CommonTlsContext } from "../../codecs/xds/tls.ts";
import type { Gateway } from "../../model/rule.ts";
import { domainCovers, gatewayChains, type ServedServer, serverDomain } from "../rules/gateway-ports.ts";
import { servesGateway } from "../rules/lower/gateway.ts";
import type { AskedGateway, MadeUpRequest } from "./explanation.ts";
import type { RuleBook } from "./rule-book.ts";

/** A port of gateways. */
export interface OpenPort {
  readonly name: string;
  readonly listener: Listener;
  /** `address:port`. */
  readonly address: string;
  /** The servers of Gateways that are served there; none where Gateways are not known. */
  readonly served: readonly ServedServer[];
}

/** What a connection gets at a port: routes by their RouteConfiguration's name, where it passes to, or why it is ended. */
export type Entry =
  | { readonly routes: string; readonly chain: FilterChain | undefined }
  | { readonly passage: Passage }
  | { readonly ended: string };

/** The port of a gateway that a request comes to; throws an `Error` of one line where it is not open or not clear. */
export function findPort(
  resources: Pick<ResourceSet, "listeners">,
  { rules, client }: Pick<RuleBook, "rules" | "client">,
  { gateway: asked, port: said }: AskedGateway,
  { scheme, authority }: Pick<MadeUpRequest, "scheme" | "authority">,
): OpenPort {
  const gateways = rules.filter((rule): rule is Gateway => rule.kind === "Gateway");
  const all = portsOf(
    resources,
    gateways.filter((gateway) => servesGateway(client, gateway)),
  );
  if (all.length === 0)
    throw new Error(
      "no gateway is open here; trestle rules lists Gateways, trestle analyze says what is wrong with them",
    );
  const gateway = asked === undefined ? undefined : gatewayNamed(asked, gateways);
  const own = gateway === undefined ? all : all.filter(({ served }) => served.some((one) => one.gateway === gateway));
  if (own.length === 0)
    throw new Error(
      `no server of Gateway ${asked} is open here: its selector is for other proxies, or trestle rules --findings says why (TR0240)`,
    );
  const [, written] = /:(\d{1,5})$/.exec(authority) ?? [];
  const wanted = said ?? (written === undefined ? undefined : Number(written));
  const list = own.map(({ address, listener }) => `${address} (${isTls(listener) ? "TLS" : "plain text"})`).join(", ");
  if (wanted !== undefined) {
    const found = own.find(({ listener }) => portOf(listener) === wanted);
    if (found === undefined)
      throw new Error(
        `port ${wanted} is none of a gateway; there are: ${list}. Say --port where callers come by another one`,
      );
    return found;
  }
  const usual = own.find(({ listener }) => portOf(listener) === (scheme === "http" ? 80 : 443));
  const alike = own.filter(({ listener }) => isTls(listener) === (scheme !== "http"));
  const taking = alike.filter((port) => serverFor(port, authority) !== undefined);
  const [found] = [usual === undefined ? [] : [usual], own, alike, taking].find((list) => list.length === 1) ?? [];
  if (found === undefined) throw new Error(`several ports may be meant, say --port; there are: ${list}`);
  return found;
}

function portsOf({ listeners }: Pick<ResourceSet, "listeners">, gateways: readonly Gateway[]): OpenPort[] {
  const chains = gatewayChains(gateways);
  return listeners
    .filter(({ resource }) => resource.metadata.filterMetadata[TRESTLE_METADATA].protocol === "gateway")
    .map(({ name, resource }) => {
      const { address, portValue } = resource.address.socketAddress;
      const here = chains.filter(({ bind = address, port }) => port === portValue && bind === address);
      const served = here.flatMap((chain) => chain.served);
      return { name, listener: resource, address: printAddress(address, portValue), served };
    });
}

function gatewayNamed(text: string, gateways: readonly Gateway[]): Gateway {
  const found = gateways.filter(({ namespace, name }) => text === name || text === `${namespace}/${name}`);
  const names = (list: readonly Gateway[]) => list.map(({ namespace, name }) => `${namespace}/${name}`).join(", ");
  if (found.length === 0)
    throw new Error(
      gateways.length === 0
        ? "this instance knows no Gateways by their names; say --port alone"
        : `there is no Gateway ${text}; there are: ${names(gateways)}`,
    );
  if (found.length > 1) throw new Error(`several Gateways have that name; say one of ${names(found)}`);
  return found[0]!;
}

function portOf({ address }: Listener): number {
  return address.socketAddress.portValue;
}

function isTls({ filterChains = [], metadata }: Listener): boolean {
  return filterChains.length > 0 || metadata.filterMetadata[TRESTLE_METADATA].passages !== undefined;
}

/** How a connection comes in: by the name that it asks TLS for, where the port takes TLS. */
export function enter(
  { listener }: OpenPort,
  { scheme, authority }: Pick<MadeUpRequest, "scheme" | "authority">,
): Entry {
  const { passages = [], routeConfigName } = listener.metadata.filterMetadata[TRESTLE_METADATA];
  if (!isTls(listener)) {
    const ended = "the port takes plain text: a caller that begins with TLS is not understood";
    return scheme === "http" ? { routes: routeConfigName, chain: undefined } : { ended };
  }
  if (scheme === "http") return { ended: "the port takes TLS alone: plain text is not answered" };
  const chains = [
    ...(listener.filterChains ?? []).map((chain) => ({ chain, serverNames: chain.filterChainMatch?.serverNames })),
    ...passages.map((passage) => ({ passage, serverNames: passage.serverNames })),
  ];
  const asked = serverNameOf(authority);
  const found = chainFor(chains, asked);
  if (found === undefined)
    return {
      ended: `no server of the port has ${asked === undefined ? "callers who ask for no name" : `the name ${asked}`}: the connection is ended`,
    };
  if ("passage" in found) return { passage: found.passage };
  return { routes: found.chain.name ?? routeConfigName, chain: found.chain };
}

/** The name that callers ask TLS for: none by an address. */
export function serverNameOf(authority: string): string | undefined {
  const name = hostName(authority);
  return name === "" || name.startsWith("[") || isIP(name) !== 0 ? undefined : name;
}

/** How a connection travels, in words. */
export function describeEntry(entry: Entry): string {
  if ("passage" in entry) return `TLS that is not ended, for ${entry.passage.serverNames.join(", ")}`;
  if ("ended" in entry || entry.chain === undefined) return "ended" in entry ? "" : "plain text";
  const { filterChainMatch, transportSocket } = entry.chain;
  const { commonTlsContext: context, requireClientCertificate: isMutual } = transportSocket?.typedConfig ?? {};
  const callers =
    isMutual === true ? "callers show a certificate" : asksCallers(context) ? "callers may show a certificate" : "";
  const names =
    filterChainMatch === undefined ? "all names that no other server has" : filterChainMatch.serverNames.join(", ");
  return [`TLS by ${certificatesOf(context)} for ${names}`, callers].filter((text) => text !== "").join("; ");
}

function asksCallers(context: CommonTlsContext | undefined): boolean {
  const { validationContext, validationContextSdsSecretConfig, combinedValidationContext } = context ?? {};
  const isAsked = validationContext?.trustedCa ?? validationContextSdsSecretConfig ?? combinedValidationContext;
  return isAsked !== undefined;
}

function certificatesOf({
  tlsCertificateSdsSecretConfigs: secrets = [],
  tlsCertificates: files = [],
}: CommonTlsContext = {}): string {
  const names = secrets.map(({ name }) => name.replace(/^kubernetes:\/\//, ""));
  const paths = files.map(({ certificateChain: { filename = "inline text" } }) => filename);
  return [...names, ...paths].join(" and ") || "no certificate";
}

/** Of the servers of a port, the one that takes a Host: the one that names it most narrowly. */
export function serverFor({ served }: OpenPort, host: string): ServedServer | undefined {
  const name = hostName(host);
  const taking = served.flatMap((one) =>
    one.server.hosts
      .map(serverDomain)
      .filter((domain) => domainCovers(domain, name))
      .map((domain) => ({ one, weight: domain === name ? Number.POSITIVE_INFINITY : domain.length })),
  );
  return taking.sort((a, b) => b.weight - a.weight)[0]?.one;
}
