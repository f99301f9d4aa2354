import type { WireProtocol } from "../../codecs/xds/core.ts";
import { type DubboUrl, param } from "../dubbo/url.ts";

/** What a consumer takes: addresses of one protocol alone, or of either. */
export type Speech = WireProtocol | "either";

/** What the consumers that a session registered say of themselves: what is shown to that session of one interface depends on it. */
export interface Asker {
  /** Consumers that keep services from being led (cluster=broadcast). */
  readonly unled: readonly DubboUrl[];
  /** What the session's consumers of the interface take; empty where none is known. Equal lists are the same one. */
  readonly speaks: readonly Speech[];
  /** Whether it is shown what the registry has, of everything. */
  readonly passes?: true;
}

const SPEECHES: readonly Speech[] = ["dubbo", "either", "tri"];
/** Every list that there can be, by the bits of its members. */
const LISTS: readonly (readonly Speech[])[] = Array.from({ length: 1 << SPEECHES.length }, (_, bits) =>
  SPEECHES.filter((_, i) => (bits & (1 << i)) !== 0),
);

/** A session that is shown what the registry has. */
export const PASSES: Asker = { unled: [], speaks: LISTS[0]!, passes: true };

/** A session of which nothing is known. */
export const ANYBODY: Asker = { unled: [], speaks: LISTS[0]! };

/**
 * What a consumer takes, by the URL that it registers: the protocol that its reference names (`protocol=tri`; it takes no URL of
 * another then), else either where it is of 3.x. 2.x knows dubbo:// alone and logs an error for each tri:// of each list
 * (RegistryDirectory.toInvokers, "Unsupported protocol").
 */
export function speechOf(consumer: DubboUrl): Speech {
  const isWire = consumer.protocol === "tri" || consumer.protocol === "dubbo";
  const named = param(consumer, "protocol") || (isWire ? consumer.protocol : "");
  if (named === "") return param(consumer, "release").startsWith("3.") ? "either" : "dubbo";
  const list = named.split(",");
  if (list.includes("tri")) return list.includes("dubbo") ? "either" : "tri";
  return list.includes("dubbo") ? "dubbo" : "either";
}

/** The list with one more in it. */
export function withSpeech(speaks: readonly Speech[], one: Speech): readonly Speech[] {
  const bits = SPEECHES.reduce(
    (sum, speech, i) => (speaks.includes(speech) || speech === one ? sum | (1 << i) : sum),
    0,
  );
  return LISTS[bits]!;
}

/**
 * Whether a service is shown in a protocol that no provider speaks: tri:// to who takes nothing else, dubbo:// also where nothing is
 * known, for every line of Dubbo knows it.
 */
export function wantsBridged({ speaks }: Asker, protocol: WireProtocol): boolean {
  return speaks.includes(protocol) || (protocol === "dubbo" && speaks.length === 0);
}

/** Whether dubbo:// is all that the session takes, so that tri:// beside it is no use. */
export function takesDubboAlone({ speaks }: Asker): boolean {
  return speaks.length === 1 && speaks[0] === "dubbo";
}
