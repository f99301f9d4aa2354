import type { ConnectionOptions } from "node:tls";
import { TlsContexts } from "../../bridge-proxy/tls/contexts.ts";
import { nameFault, parseNames } from "../../bridge-proxy/tls/peer.ts";
import type { NamedResource } from "../../codecs/xds/resources.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import { ISTIO_TLS_MODE } from "../../codecs/xds/tls.ts";
import { meshSocket } from "../../control/rules/lower/tls.ts";
import type { MetadataPlace } from "../../model/application.ts";
import type { Endpoint } from "../../model/entry.ts";
import { IDENTITY_LABEL, INBOUND_LABELS, type Place, TLS_MODE_LABEL } from "../../model/inbound.ts";
import type { InboundConfig } from "../config/inbound.ts";
import type { SocketOptions } from "../socket.ts";

/** Where somebody serves calls, who may be asked something else, and what is said there of mutual TLS. */
export interface AskedPlace extends Pick<Endpoint, "address" | "port"> {
  readonly params?: Readonly<Record<string, string>>;
}

/** An endpoint as one who may be asked. */
export function askedPlace({ address, port, labels, params }: Endpoint): AskedPlace {
  const all = { ...params, ...labels };
  const said = INBOUND_LABELS.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]] as const]));
  return { address, port, ...(said.length > 0 && { params: Object.fromEntries(said) }) };
}

/** How an instance is connected to at the place where it is to answer. Throws where it cannot be. */
export type Reach = (
  instance: AskedPlace,
  place: Pick<MetadataPlace, "protocol" | "port">,
) => Pick<SocketOptions, "host" | "port" | "tls">;

/** What the mesh's proxies call what they carry, as the workers say it. */
const ALPN: Readonly<Record<string, readonly string[]>> = {
  tri: ["istio-h2", "istio", "h2"],
  http: ["istio-http/1.1", "istio", "http/1.1"],
};
const DUBBO_ALPN = ["istio"];

/**
 * Reaches instances that stand at the registry at the proxy in front of them. Where that is one of `inbound`, the provider behind it is asked.
 * One that says that it takes mutual TLS is asked by that, with these secrets; in plain text where there are none.
 */
export function createReach(
  inbound: readonly Pick<InboundConfig, "listen" | "to">[],
  secrets: () => readonly NamedResource<Secret>[],
): Reach {
  return ({ address, port, params = {} }, place) => {
    const behind = (at: number) => inbound.find(({ listen }) => listen.address === address && listen.port === at)?.to;
    const asked = behind(place.port);
    if (asked !== undefined) return { host: asked.address, port: asked.port };
    // No proxy is before a port that is for metadata alone.
    const called = behind(port);
    if (called !== undefined) return { host: called.address, port: place.port };
    const at = { host: address, port: place.port };
    const own = params[TLS_MODE_LABEL] === ISTIO_TLS_MODE ? secrets() : [];
    return own.length === 0 ? at : { ...at, tls: meshTls(at, place.protocol, params[IDENTITY_LABEL], own) };
  };
}

/** Made anew each time: an instance is asked once for a revision, and secrets change. */
function meshTls(
  at: Place,
  protocol: string,
  identity: string | undefined,
  secrets: readonly NamedResource<Secret>[],
): ConnectionOptions {
  const subjectAltNames = identity === undefined ? [] : [`spiffe://${identity}`];
  const { commonTlsContext, sni } = meshSocket({ ...at, subset: "", subjectAltNames }).typedConfig!;
  const contexts = new TlsContexts(() => "");
  for (const { name, resource } of secrets) contexts.setSecret(name, resource);
  const context = contexts.of(commonTlsContext);
  const made = context.current();
  if (made === undefined) throw new Error(`no TLS context: ${context.fault}`);
  return {
    secureContext: made.secure,
    rejectUnauthorized: true,
    ALPNProtocols: [...(ALPN[protocol] ?? DUBBO_ALPN)],
    ...(sni !== undefined && { servername: sni }),
    checkServerIdentity: (_, { subjectaltname }) => {
      const names = parseNames(subjectaltname);
      return made.names === undefined || made.names(names) ? undefined : new Error(nameFault(names).message);
    },
  };
}
