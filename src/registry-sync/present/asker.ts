import type { WireProtocol } from "../../codecs/xds/resources.ts";
import { type DubboUrl, param } from "../dubbo-url.ts";

/** What the consumers that a session registered say of themselves: what is shown to that session of one interface depends on it. */
export interface Asker {
  /** Consumers that keep services from being led (cluster=broadcast). */
  readonly unled: readonly DubboUrl[];
  /** Protocols in which a service is shown although its providers do not speak them; one of the four {@link joinBridged} gives. */
  readonly bridged: readonly WireProtocol[];
}

const NONE: readonly WireProtocol[] = [];
const DUBBO: readonly WireProtocol[] = ["dubbo"];
const TRI: readonly WireProtocol[] = ["tri"];
const BOTH: readonly WireProtocol[] = ["dubbo", "tri"];

/**
 * A session of which nothing is known. It is shown dubbo:// for a service of Triple providers, for every line of Dubbo knows that
 * protocol; tri:// would make 2.x consumers log an error with each list (RegistryDirectory.toInvokers, "Unsupported protocol").
 */
export const ANYBODY: Asker = { unled: [], bridged: DUBBO };

/**
 * The protocols that a consumer, by the URL that it registers, needs where no provider speaks them: those that its reference
 * names (`protocol=tri`; with one it takes no URL of another). One of 3.x that names none takes dubbo:// and tri:// alike and needs
 * neither; one of 2.x knows dubbo:// alone.
 */
export function bridgedFor(consumer: DubboUrl): readonly WireProtocol[] {
  const isWire = consumer.protocol === "tri" || consumer.protocol === "dubbo";
  const named = param(consumer, "protocol") || (isWire ? consumer.protocol : "");
  if (named === "") return param(consumer, "release").startsWith("3.") ? NONE : DUBBO;
  const list = named.split(",");
  return canonical(list.includes("dubbo"), list.includes("tri"));
}

/** What either of two needs; equal lists are the same one. */
export function joinBridged(one: readonly WireProtocol[], other: readonly WireProtocol[]): readonly WireProtocol[] {
  const has = (protocol: WireProtocol) => one.includes(protocol) || other.includes(protocol);
  return canonical(has("dubbo"), has("tri"));
}

function canonical(dubbo: boolean, tri: boolean): readonly WireProtocol[] {
  if (dubbo) return tri ? BOTH : DUBBO;
  return tri ? TRI : NONE;
}
