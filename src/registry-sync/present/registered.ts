import { DUBBO_INSTANCE, decodeCuratorInstance, SPRING_INSTANCE } from "../../codecs/zookeeper/curator-instance.ts";
import type { Place } from "../../model/inbound.ts";
import { serviceKey } from "../../model/service.ts";
import { interfaceOf, param, parseNodeName, printNodeName } from "../dubbo/url.ts";
import type { DirectoryChild } from "./directory.ts";
import { type RegisteringContext, standInMetadata, standInOf } from "./registering.ts";

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

function registeredUrl(
  { directory }: DirectoryChild,
  node: RegisteredNode,
  context: RegisteringContext,
): RegisteredNode {
  const reading = parseNodeName(node.name);
  if (reading.type === "fault") return node;
  const { url } = reading;
  if (interfaceOf(url) !== directory.name) return node;
  const service = serviceKey(directory.name, param(url, "group"), param(url, "version"));
  const application = param(url, "application");
  const place = standInOf({ places: [url], protocols: [url.protocol], service, application }, context);
  if (place === undefined) return node;
  return { ...node, name: printNodeName({ ...url, ...place.listen, params: standInMetadata(url.params, place) }) };
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
  const place = standInOf(
    {
      places: [{ host, port }],
      protocols: isDubbo ? ["dubbo", "tri"] : ["http"],
      service: serviceKey(isDubbo ? directory.name : name),
      application: directory.name,
    },
    context,
  );
  if (place === undefined || (isDubbo && place.listen.port !== port)) return node;
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
      metadata: standInMetadata(payload.metadata ?? {}, place),
    },
  };
  return { name: renamed(node.name), data: new TextEncoder().encode(JSON.stringify(written)) };
}

/** An instance of which the name alone is known: Dubbo's are named by their address, Spring Cloud's are not and keep their names. */
function namedInstance(application: string, node: RegisteredNode, context: RegisteringContext): RegisteredNode {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(node.name) ?? [];
  const at = { host, port: Number(port) };
  const service = serviceKey(application);
  const place = standInOf({ places: [at], protocols: ["dubbo", "tri"], service, application }, context);
  if (place === undefined || place.listen.port !== at.port) return node;
  return { ...node, name: `${place.listen.host}:${place.listen.port}` };
}

/** The fields of an instance's JSON that are changed; the others stay as they are. */
interface Raw {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly payload: { readonly id?: string; readonly metadata?: Readonly<Record<string, string>> };
}
