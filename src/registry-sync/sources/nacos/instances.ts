import type { NacosInstance } from "../../../codecs/nacos/service-info.ts";
import { type Endpoint, plainEndpoint } from "../../../model/entry.ts";
import { type DubboUrl, pathFrom } from "../../dubbo/url.ts";
import type { DubboServiceName } from "./service-names.ts";

/** What Nacos' own consoles and clients let through. */
const MAX_WEIGHT = 10_000;
const MAX_JAVA_INT = 2_147_483_647;
/** Dubbo's weight of what says none. */
const FULL = 100;

/** The weight that an instance counts with: 1 for what is no number, at most 10,000, 0 for what is below. */
export function weightOf({ weight }: Pick<NacosInstance, "weight">): number {
  if (Number.isNaN(weight)) return 1;
  return Math.min(MAX_WEIGHT, Math.max(0, weight));
}

/**
 * Whether an instance takes no calls: taken out by hand, without weight, or unhealthy while the list is not `protected` (then so many are
 * unhealthy that all count). As Nacos' clients choose (NacosNamingService.selectInstances).
 */
export function isOut(instance: NacosInstance, isProtected: boolean): boolean {
  return !instance.enabled || weightOf(instance) === 0 || (!instance.healthy && !isProtected);
}

/**
 * The URL that a Dubbo provider or consumer registered: its metadata are the URL's parameters. Group and version come from the service's
 * name where metadata are simplified; Nacos' weight is multiplied into `weight`, and what {@link isOut} is `disabled`.
 */
export function dubboUrlOf(instance: NacosInstance, name: DubboServiceName, isProtected: boolean): DubboUrl {
  const { ip, port, metadata } = instance;
  const added: Record<string, string> = {};
  if (name.group !== "" && metadata["group"] === undefined) added["group"] = name.group;
  if (name.version !== "" && metadata["version"] === undefined) added["version"] = name.version;
  const isProvider = name.category === "providers";
  const weight = weightOf(instance);
  if (isProvider && weight !== 1) added["weight"] = scaled(metadata["weight"], weight);
  if (isProvider && isOut(instance, isProtected)) added["disabled"] = "true";
  const isPlain = Object.keys(added).length === 0;
  return {
    protocol: isProvider ? (metadata["protocol"] ?? "dubbo") : "consumer",
    host: ip,
    port: isProvider ? port : 0,
    path: pathFrom(metadata["path"] ?? "") || name.interfaceName,
    params: isPlain ? metadata : Object.freeze(Object.assign(Object.create(null), metadata, added)),
  };
}

/** The endpoint that an instance of anybody but Dubbo is: HTTP, over TLS where it says `secure`. */
export function httpEndpointOf(instance: NacosInstance, isProtected: boolean, origin: string): Endpoint {
  const { ip, port, metadata, clusterName, ephemeral } = instance;
  const weight = weightOf(instance);
  const added: Record<string, string> = {};
  if (metadata["cluster"] === undefined) added["cluster"] = clusterName;
  // Nothing but a deregistration takes it away.
  if (!ephemeral && metadata["dynamic"] === undefined) added["dynamic"] = "false";
  const endpoint = plainEndpoint({
    address: ip,
    port,
    protocol: metadata["secure"] === "true" ? "https" : "http",
    weight: weight === 0 ? 0 : Math.max(1, Math.round(weight * FULL)),
    params: Object.freeze(Object.assign(Object.create(null), metadata, added)),
    origin,
  });
  return Object.freeze({ ...endpoint, disabled: isOut(instance, isProtected) });
}

/** A provider's own weight times the registry's; at least 1 where neither is 0. What cannot be read is left to be told of. */
function scaled(own: string | undefined, weight: number): string {
  if (own !== undefined && !/^\d{1,10}$/.test(own)) return own;
  const both = Number(own ?? FULL) * weight;
  return String(both > 0 ? Math.max(1, Math.min(MAX_JAVA_INT, Math.round(both))) : 0);
}
