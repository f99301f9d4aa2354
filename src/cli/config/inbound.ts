import { CARRIED_PROTOCOLS } from "../../control/compile/endpoints.ts";
import type { InboundProvider } from "../../control/compile/listeners.ts";
import { parseAddress } from "./address.ts";
import type { KeyShape } from "./document.ts";

/** One item of `proxy.inbound` as the file has it. */
export interface RawInbound {
  readonly listen: string;
  readonly to: string;
  readonly protocol?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly register?: string;
}

/** A provider that the proxy stands in front of. */
export interface InboundConfig extends InboundProvider {
  /** Whether facades register the proxy in the provider's place. */
  readonly register: boolean;
}

/** The keys of one item of `proxy.inbound`. */
export const inboundKeys: Readonly<Record<string, KeyShape>> = {
  listen: { shape: { type: "text" }, required: true, doc: "address that callers are to be led to, host:port" },
  to: { shape: { type: "text" }, required: true, doc: "the provider's own address, host:port" },
  protocol: {
    shape: { type: "text" },
    doc: "what the provider speaks: dubbo, tri or http",
    default: "dubbo",
  },
  labels: {
    shape: { type: "table", values: { type: "text" } },
    doc: "the provider's labels, by which PeerAuthentication and AuthorizationPolicy select it",
    default: "proxy.labels",
  },
  register: {
    shape: { type: "text" },
    doc: "where a provider that registers through a facade here stands at the registry: at the proxy (its listen), or at the provider",
    default: "proxy",
  },
};

/** Checks the items of `proxy.inbound`; `fail` is told what is wrong, by path. */
export function resolveInbound(
  items: readonly RawInbound[],
  labels: Readonly<Record<string, string>>,
  fail: (path: string, message: string) => void,
): InboundConfig[] {
  return items.flatMap((item, i) => {
    const at = `proxy.inbound[${i}]`;
    const [listen, to] = [addressIn(item.listen, `${at}.listen`, fail), addressIn(item.to, `${at}.to`, fail)];
    const protocol = CARRIED_PROTOCOLS.find((name) => name === (item.protocol ?? "dubbo"));
    if (protocol === undefined) fail(`${at}.protocol`, `"${item.protocol}" is none of ${CARRIED_PROTOCOLS.join(", ")}`);
    if (listen === undefined || to === undefined || protocol === undefined) return [];
    const { register = "proxy" } = item;
    if (register !== "proxy" && register !== "provider")
      fail(`${at}.register`, `"${register}" is none of proxy, provider`);
    return [{ listen, to, protocol, labels: item.labels ?? labels, register: register === "proxy" }];
  });
}

function addressIn(text: string, at: string, fail: (path: string, message: string) => void) {
  const found = parseAddress(text);
  if (found === undefined || found.port === 0) {
    fail(at, `"${text}" is no host:port, such as 10.0.0.5:20890`);
    return undefined;
  }
  return { address: found.host, port: found.port };
}
