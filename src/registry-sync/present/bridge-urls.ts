import { saysProtobuf } from "../../codecs/triple/style.ts";
import type { WireProtocol } from "../../codecs/xds/core.ts";
import { type DubboUrl, param } from "../dubbo/url.ts";

/** The encoding of values that a bridged call has on both sides. */
const BRIDGED_SERIALIZATION = "hessian2";

/** How a protocol's own client is set up, and how its bodies are written: says nothing of the other protocol. */
const OF_THE_PROTOCOL: ReadonlySet<string> = new Set([
  "IDL-mode",
  "client",
  "codec",
  "compressor",
  "exchanger",
  "optimizer",
  "proxy",
  "server",
  "transporter",
]);

/**
 * Whether calls to a provider can be made from the other protocol. They cannot where its Triple calls are bare protobuf, unless those
 * messages are known, nor where it reads no Hessian2.
 */
export function isBridgeable(provider: DubboUrl, knowsMessages: boolean): boolean {
  if (saysProtobuf(provider.params)) return knowsMessages;
  const reads = [param(provider, "serialization"), ...param(provider, "prefer.serialization").split(",")].filter(
    (name) => name !== "",
  );
  return reads.length === 0 || reads.includes(BRIDGED_SERIALIZATION);
}

/**
 * The parameters under which a service is shown in another protocol, from those of its own: without what is said of that
 * protocol alone, with Hessian2 as its serialization, and with weight 0, so that a consumer that is shown both calls in the
 * providers' own protocol (`random` and `roundrobin` of 2.6 to 3.3 pick no weight of 0 beside others; with all of them 0 they pick
 * evenly). Keys come out sorted.
 */
export function bridgeParams(native: DubboUrl["params"]): DubboUrl["params"] {
  const params: Record<string, string> = Object.create(null);
  const kept = Object.entries(native).filter(([key]) => !isDropped(key));
  const added: [string, string][] = [
    ["prefer.serialization", BRIDGED_SERIALIZATION],
    ["serialization", BRIDGED_SERIALIZATION],
    ["weight", "0"],
  ];
  for (const [key, value] of [...kept, ...added].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) params[key] = value;
  return params;
}

/** The protocol that is bridged to another. */
export function otherProtocol(protocol: WireProtocol): WireProtocol {
  return protocol === "dubbo" ? "tri" : "dubbo";
}

/** `METHOD.weight` would win over the weight of all, and a callback parameter has no like in Triple. */
function isDropped(key: string): boolean {
  const plain = key.startsWith("default.") ? key.slice("default.".length) : key;
  if (OF_THE_PROTOCOL.has(plain) || plain.endsWith("serialization")) return true;
  return plain === "weight" || plain.endsWith(".weight") || /\.\d+\.callback$/.test(plain);
}
