import { createHash } from "node:crypto";
import { encodeSpringInstance } from "../../codecs/zookeeper/curator-instance.ts";
import { printServiceKey, serviceKey } from "../../model/service.ts";
import type { HttpElsewhere, PresentContext } from "./context.ts";
import type { HttpService } from "./http-services.ts";
import { placeOf, type ShownPlace } from "./shown-place.ts";

/**
 * What consumers of Spring Cloud ZooKeeper are shown of an application's folder: in place of the instances of a service that is led
 * one node, whose address is the proxy's port for that service. Dubbo's nodes in the same folder are none of this.
 */

/** The node that stands for a service. */
export interface SpringNode {
  readonly name: string;
  readonly data: Uint8Array;
}

/** How a node of an application's folder is treated as Spring Cloud's; `soon`: it will be hidden once the proxy has a port for it. */
export type SpringTreatment = "hidden" | "soon" | "passes";

/** The metadata key by which Spring Cloud knows instances that take no calls. */
const STATUS = "instance_status";

/**
 * By name and context alone. A node is Spring Cloud's unless the registry's world has it as an instance of Dubbo, or it is named as those
 * are (`host:port`) in a folder that has no HTTP service; Spring Cloud's own names are UUIDs unless configured.
 */
export function treatSpringNode(application: string, name: string, context: PresentContext): SpringTreatment {
  if (name === springNodeName(application) || context.isDubboInstance(application, name)) return "passes";
  const isNamedAsDubbo = /:\d{1,5}$/.test(name);
  if (isNamedAsDubbo && context.httpServiceOf(application) === undefined) return "passes";
  const not = context.notLedHttp(serviceKey(application));
  if (not === undefined) return "hidden";
  return not.soon === true ? "soon" : "passes";
}

/**
 * The node that stands for a service: the registry's own where it holds one, else another registry's; undefined where neither is led.
 * Its name is the same as long as the application has its name, on every Trestle.
 */
export function springNodeOf(application: string, context: PresentContext): SpringNode | undefined {
  const elsewhere = context.httpElsewhereOf(serviceKey(application));
  if (elsewhere !== undefined) return nodeOf(application, placeOf(elsewhere.address, application, context), elsewhere);
  const address = context.httpAddressOf(serviceKey(application));
  const service = context.httpServiceOf(application);
  return address === undefined || service === undefined
    ? undefined
    : nodeOf(application, placeOf(address, application, context), service);
}

/** The name that {@link springNodeOf} gives, a UUID as Spring Cloud's own are. */
export function springNodeName(application: string): string {
  const hex = createHash("sha256").update(`trestle ${application}`).digest("hex");
  // Version 8 (RFC 9562): made by a rule of one's own.
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

/** What is waited for where a node is treated as `soon`: the printed key of its service. */
export function springKey(application: string): string {
  return printServiceKey(serviceKey(application));
}

function nodeOf(application: string, place: ShownPlace, { metadata, isUp }: HttpService | HttpElsewhere): SpringNode {
  const name = springNodeName(application);
  const data = encodeSpringInstance({
    name: application,
    id: name,
    address: place.hostName,
    port: place.port,
    metadata: { ...metadata, [STATUS]: isUp ? "UP" : "OUT_OF_SERVICE" },
  });
  return { name, data };
}
