import { DUBBO_INSTANCE, decodeCuratorInstance, SPRING_INSTANCE } from "../../codecs/zookeeper/curator-instance.ts";
import { type InboundPlace, inboundLabels, type Place } from "../../model/inbound.ts";
import { type ServiceKey, serviceKey } from "../../model/service.ts";
import { interfaceOf, param, parseNodeName, printNodeName } from "../dubbo/url.ts";
import type { DirectoryChild } from "./directory.ts";

/** What decides whether a proxy stands in a provider's place at the registry. */
export interface RegisteringContext {
  /** The proxies in front of providers. */
  readonly inbound: readonly InboundPlace[];
  /** Whether calls of that service of that application are to be led at all: what `take` and `pass` say. */
  takes(service: ServiceKey, application: string): boolean;
}

/** A node below a presented directory. */
export interface RegisteredNode {
  readonly name: string;
  readonly data: Uint8Array | null;
}

/**
 * What a provider's node is at the registry: with the address of the proxy that stands in front of it, where there is one. The node itself, the
 * same object, for all others.
 */
export function registeredNode(
  child: DirectoryChild,
  node: RegisteredNode,
  context: RegisteringContext,
): RegisteredNode {
  if (context.inbound.length === 0) return node;
  if (child.directory.kind === "providers") return registeredUrl(child, node, context);
  return child.directory.kind === "instances" ? registeredInstance(child, node, context) : node;
}

/** The proxy that stands for a provider which registers at an address; undefined for none. */
export function inboundOf(
  { host, port }: Place,
  protocol: string,
  { inbound }: RegisteringContext,
): InboundPlace | undefined {
  const isAt = (place: Place) => place.port === port && place.host === host;
  // A provider that listens on 127.0.0.1 may register the proxy's address by itself.
  return inbound.find((one) => one.protocol === protocol && (isAt(one.to) || isAt(one.listen)));
}

function registeredUrl(
  { directory }: DirectoryChild,
  node: RegisteredNode,
  context: RegisteringContext,
): RegisteredNode {
  const reading = parseNodeName(node.name);
  if (reading.type === "fault") return node;
  const { url } = reading;
  const place = inboundOf(url, url.protocol, context);
  if (place === undefined || interfaceOf(url) !== directory.name) return node;
  const service = serviceKey(directory.name, param(url, "group"), param(url, "version"));
  if (!context.takes(service, param(url, "application"))) return node;
  const params = Object.assign(Object.create(null), url.params, inboundLabels(place));
  return { ...node, name: printNodeName({ ...url, ...place.listen, params }) };
}

/**
 * Consumers take an instance's ports from its revision, which is not changed: so the proxy stands for an instance of Dubbo only where it has
 * the provider's own port.
 */
function registeredInstance(
  { directory }: DirectoryChild,
  node: RegisteredNode,
  context: RegisteringContext,
): RegisteredNode {
  if (node.data === null) return namedInstance(directory.name, node, context);
  const reading = decodeCuratorInstance(node.data);
  if (reading.type !== "instance") return node;
  const { address: host, port, payloadClass, name } = reading.instance;
  const isDubbo = payloadClass === DUBBO_INSTANCE;
  if (!isDubbo && payloadClass !== SPRING_INSTANCE) return node;
  const place = (isDubbo ? ["dubbo", "tri"] : ["http"])
    .map((protocol) => inboundOf({ host, port }, protocol, context))
    .find((one) => one !== undefined);
  if (place === undefined || (isDubbo && place.listen.port !== port)) return node;
  if (!context.takes(serviceKey(isDubbo ? directory.name : name), directory.name)) return node;
  const raw = JSON.parse(new TextDecoder().decode(node.data)) as Raw;
  const at = (one: Place) => `${one.host}:${one.port}`;
  const renamed = (id: string) => (id === at({ host, port }) ? at(place.listen) : id);
  const { payload } = raw;
  const written: Raw = {
    ...raw,
    id: renamed(raw.id),
    address: place.listen.host,
    port: place.listen.port,
    payload: {
      ...payload,
      ...(isDubbo && payload.id !== undefined && { id: renamed(payload.id) }),
      metadata: { ...payload.metadata, ...inboundLabels(place) },
    },
  };
  return { name: renamed(node.name), data: new TextEncoder().encode(JSON.stringify(written)) };
}

/** An instance of which the name alone is known: Dubbo's are named by their address, Spring Cloud's are not and keep their names. */
function namedInstance(application: string, node: RegisteredNode, context: RegisteringContext): RegisteredNode {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(node.name) ?? [];
  const at = { host, port: Number(port) };
  const place = inboundOf(at, "dubbo", context) ?? inboundOf(at, "tri", context);
  if (place === undefined || place.listen.port !== at.port) return node;
  if (!context.takes(serviceKey(application), application)) return node;
  return { ...node, name: `${place.listen.host}:${place.listen.port}` };
}

/** The fields of an instance's JSON that are changed; the others stay as they are. */
interface Raw {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly payload: { readonly id?: string; readonly metadata?: Readonly<Record<string, string>> };
}
