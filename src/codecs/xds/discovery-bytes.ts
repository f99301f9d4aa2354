/**
 * The messages of an xDS stream as protobuf bytes.
 *
 *   DiscoveryRequest       version_info 1, node 2, resource_names 3, type_url 4, response_nonce 5, error_detail 6
 *   DiscoveryResponse      version_info 1, resources 2 (Any), type_url 4, nonce 5
 *   DeltaDiscoveryRequest  node 1, type_url 2, subscribe 3, unsubscribe 4, initial_resource_versions 5, response_nonce 6, error_detail 7
 *   DeltaDiscoveryResponse system_version_info 1, resources 2 (Resource: version 1, resource 2 (Any), name 3), type_url 4, nonce 5,
 *                          removed_resources 6
 *
 * A resource's bytes are made once, whoever it is sent to and however often. Source: envoy/service/discovery/v3/discovery.proto.
 */
import {
  type DescMessage,
  fromBinary,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { ProtocolError } from "../../base/errors.ts";
import type { DeltaRequest, NodeText, SotwRequest, XdsRequest, XdsResponse } from "./discovery.ts";
import { takeInitialVersions, versionsByName } from "./initial-versions.ts";
import { decodeResource, encodeMessage, encodeResource } from "./resource-bytes.ts";
import type { ServedResource } from "./served.ts";
import { xdsMessage } from "./types.ts";

/** Which of the two kinds of stream. */
export type Variant = XdsRequest["variant"];

const sotwRequest = (): DescMessage => xdsMessage("envoy.service.discovery.v3.DiscoveryRequest");
const deltaRequest = (): DescMessage => xdsMessage("envoy.service.discovery.v3.DeltaDiscoveryRequest");
const nodeType = (): DescMessage => xdsMessage("envoy.config.core.v3.Node");

/** What a request's message has, by protobuf-es. */
interface RequestMessage {
  readonly typeUrl: string;
  readonly responseNonce: string;
  readonly node?: Message;
  readonly errorDetail?: { readonly code: number; readonly message: string };
  readonly versionInfo: string;
  readonly resourceNames: readonly string[];
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  readonly initialResourceVersions: Readonly<Record<string, string>>;
}

/** A request from its bytes. Throws a `ProtocolError` for bytes that are none. */
export function decodeRequest(variant: Variant, bytes: Uint8Array): XdsRequest {
  const answer = plainRequest(variant, bytes);
  if (answer !== undefined) return answer;
  if (variant === "delta" && bytes.length > MAX_PLAIN_BYTES) {
    const taken = takeInitialVersions(bytes);
    if (taken !== undefined)
      return { ...(decodeRequest(variant, taken.rest) as DeltaRequest), initialVersions: taken.initialVersions };
  }
  const type = variant === "sotw" ? sotwRequest() : deltaRequest();
  let request: RequestMessage;
  let node: NodeText | undefined;
  try {
    request = fromBinary(type, bytes) as unknown as RequestMessage;
    if (request.node !== undefined) node = nodeOf(toJson(nodeType(), request.node) as JsonObject);
  } catch (error) {
    throw new ProtocolError("xds", `bytes are no ${type.name}: ${(error as Error).message.slice(0, 300)}`, 0);
  }
  const { typeUrl, responseNonce: nonce, errorDetail } = request;
  const common = {
    typeUrl,
    nonce,
    ...(node !== undefined && { node }),
    // Its details may be of any type: they are left alone.
    ...(errorDetail !== undefined && { error: { code: errorDetail.code, message: errorDetail.message } }),
  };
  if (variant === "sotw") return { variant, ...common, version: request.versionInfo, names: request.resourceNames };
  return {
    variant,
    ...common,
    subscribe: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    initialVersions: request.initialResourceVersions,
  };
}

/** Numbers of the fields that a request without a node and without an error has. */
const PLAIN = {
  sotw: { version: 1, names: 3, typeUrl: 4, nonce: 5, unsubscribe: -1 },
  delta: { version: -1, names: 3, typeUrl: 2, nonce: 6, unsubscribe: 4 },
} as const;

/** Requests up to this length are tried as answers. */
const MAX_PLAIN_BYTES = 4_096;

/** Most requests are answers of a few short texts: they are read at a glance. Undefined for whatever is more than that. */
function plainRequest(variant: Variant, bytes: Uint8Array): XdsRequest | undefined {
  if (bytes.length > MAX_PLAIN_BYTES) return undefined;
  const numbers = PLAIN[variant];
  let [version, typeUrl, nonce] = ["", "", ""];
  const names: string[] = [];
  const unsubscribe: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++]!;
    let length = bytes[at++] ?? 0;
    if (length > 127)
      length = (length & 127) + ((bytes[at] ?? 0) > 127 ? Number.POSITIVE_INFINITY : bytes[at++]! * 128);
    const end = at + length;
    if ((tag & 135) !== 2 || !(end <= bytes.length)) return undefined;
    let text = "";
    for (; at < end; at++) {
      if (bytes[at]! > 127) return undefined;
      text += String.fromCharCode(bytes[at]!);
    }
    const number = tag >> 3;
    if (number === numbers.typeUrl) typeUrl = text;
    else if (number === numbers.nonce) nonce = text;
    else if (number === numbers.names) names.push(text);
    else if (number === numbers.version) version = text;
    else if (number === numbers.unsubscribe) unsubscribe.push(text);
    else return undefined;
  }
  if (variant === "sotw") return { variant, typeUrl, nonce, version, names };
  return { variant, typeUrl, nonce, subscribe: names, unsubscribe, initialVersions: {} };
}

/** A request's bytes. */
export function encodeRequest(request: XdsRequest): Uint8Array {
  const { typeUrl, nonce, node, error } = request;
  const common: JsonObject = {
    typeUrl,
    responseNonce: nonce,
    ...(node !== undefined && { node: nodeJson(node) }),
    ...(error !== undefined && { errorDetail: { code: error.code, message: error.message } }),
  };
  if (request.variant === "sotw") return encodeMessage(sotwRequest(), { ...common, ...sotwParts(request) });
  return encodeMessage(deltaRequest(), { ...common, ...deltaParts(request) });
}

function sotwParts({ version, names }: SotwRequest): JsonObject {
  return { versionInfo: version, resourceNames: [...names] };
}

function deltaParts({ subscribe, unsubscribe, initialVersions }: DeltaRequest): JsonObject {
  return {
    resourceNamesSubscribe: [...subscribe],
    resourceNamesUnsubscribe: [...unsubscribe],
    initialResourceVersions: { ...versionsByName(initialVersions) },
  };
}

/**
 * A response's bytes. A resource that is not of its type is left out and handed to `onFault`, as an `Error` that names it; without that it
 * is thrown.
 */
export function encodeResponse(variant: Variant, response: XdsResponse, onFault?: (error: Error) => void): Buffer {
  let last = lastBodies.get(response.typeUrl);
  if (last === undefined || last.variant !== variant || !sameContent(last.response, response)) {
    last = { variant, response, ...encodeBody(variant, response, onFault) };
    if (lastBodies.size >= MAX_BODIES) lastBodies.clear();
    // What was left out has to be told of each time.
    if (last.isWhole) lastBodies.set(response.typeUrl, last);
  }
  return Buffer.concat([last.before, field(5, response.nonce), last.after]);
}

/** A response without its nonce, which alone is the client's own. */
interface EncodedBody {
  readonly before: Buffer;
  readonly after: Buffer;
  readonly isWhole: boolean;
}

/** The last of each type: a change goes to all clients one after the other. */
const lastBodies = new Map<string, EncodedBody & { readonly variant: Variant; readonly response: XdsResponse }>();
const MAX_BODIES = 16;

function sameContent(a: XdsResponse, b: XdsResponse): boolean {
  return (
    a.version === b.version &&
    a.resources.length === b.resources.length &&
    a.removed.length === b.removed.length &&
    (a.resources === b.resources || a.resources.every((one, i) => one === b.resources[i])) &&
    a.removed.every((name, i) => name === b.removed[i])
  );
}

function encodeBody(
  variant: Variant,
  { typeUrl, version, resources, removed }: XdsResponse,
  onFault: ((error: Error) => void) | undefined,
): EncodedBody {
  const parts: Uint8Array[] = [field(1, version)];
  let isWhole = true;
  for (const one of resources) {
    try {
      parts.push(fieldOf(variant, typeUrl, one));
    } catch (error) {
      if (onFault === undefined) throw error;
      onFault(error as Error);
      isWhole = false;
    }
  }
  parts.push(field(4, typeUrl));
  const after = variant === "delta" ? removed.map((name) => field(6, name)) : [];
  return { before: Buffer.concat(parts), after: Buffer.concat(after), isWhole };
}

/** A response from its bytes; resources that Trestle's shapes know are as they have them. Throws a `ProtocolError` for bytes that are none. */
export function decodeResponse(variant: Variant, bytes: Uint8Array): XdsResponse {
  const isDelta = variant === "delta";
  const texts: Record<number, string> = {};
  const parts: Uint8Array[] = [];
  const removed: string[] = [];
  for (const [number, value] of walk(bytes)) {
    if (number === 2) parts.push(value);
    else if (number === 6 && isDelta) removed.push(utf8(value));
    else if (number === 1 || number === 4 || number === 5) texts[number] = utf8(value);
  }
  const { 1: version = "", 4: typeUrl = "", 5: nonce = "" } = texts;
  const resources = parts.map((part) => (isDelta ? deltaResource(part, typeUrl) : sotwResource(part, typeUrl)));
  return { typeUrl, version, nonce, resources, removed };
}

function deltaResource(bytes: Uint8Array, typeUrl: string): ServedResource {
  let [name, version] = ["", ""];
  let any: Uint8Array | undefined;
  for (const [number, value] of walk(bytes)) {
    if (number === 1) version = utf8(value);
    else if (number === 2) any = value;
    else if (number === 3) name = utf8(value);
  }
  return { name, version, resource: any === undefined ? {} : anyValue(any, typeUrl) };
}

function sotwResource(bytes: Uint8Array, typeUrl: string): ServedResource {
  const resource = anyValue(bytes, typeUrl);
  const name = resource["name"] ?? resource["clusterName"];
  return { name: text(name), version: "", resource };
}

function anyValue(bytes: Uint8Array, expected: string): JsonObject {
  let typeUrl = "";
  let value: Uint8Array = new Uint8Array();
  for (const [number, part] of walk(bytes)) {
    if (number === 1) typeUrl = utf8(part);
    else if (number === 2) value = part;
  }
  if (typeUrl !== expected)
    throw new ProtocolError(
      "xds",
      `a resource of ${typeUrl.slice(0, 200)} in a response of ${expected.slice(0, 200)}`,
      0,
    );
  return decodeResource(typeUrl, value);
}

/** Fields that have a length; others are passed over. */
function* walk(bytes: Uint8Array): Generator<[number, Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 2 ** 56)
        throw new ProtocolError("xds", "a number of a response is cut off or too long", at);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (length > bytes.length - at)
        throw new ProtocolError("xds", `a field of ${length} bytes is over the end of its message`, at);
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else throw new ProtocolError("xds", `wire type ${wire} is not known`, at);
    if (at > bytes.length) throw new ProtocolError("xds", "a field is over the end of its message", at);
  }
}

const encoded = { sotw: new WeakMap<object, Uint8Array>(), delta: new WeakMap<object, Uint8Array>() };

/** How many bytes a resource takes in a response. */
export function resourceBytes(variant: Variant, typeUrl: string, one: ServedResource): number {
  return fieldOf(variant, typeUrl, one).length;
}

function fieldOf(variant: Variant, typeUrl: string, one: ServedResource): Uint8Array {
  const known = encoded[variant].get(one);
  if (known !== undefined) return known;
  let value: Uint8Array;
  try {
    value = encodeResource(typeUrl, one.resource);
  } catch (error) {
    throw new Error(`${typeUrl.slice(typeUrl.lastIndexOf("/") + 1)} ${one.name}: ${(error as Error).message}`);
  }
  const any = Buffer.concat([field(1, typeUrl), field(2, value)]);
  const bytes =
    variant === "sotw"
      ? field(2, any)
      : field(2, Buffer.concat([field(1, one.version), field(2, any), field(3, one.name)]));
  encoded[variant].set(one, bytes);
  return bytes;
}

/** A field with a length; an empty text is left out. */
function field(number: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  if (typeof value === "string" && bytes.length === 0) return bytes;
  const head = [number * 8 + 2];
  let length = bytes.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  head.push(length);
  return Buffer.concat([Buffer.from(head), bytes]);
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

function nodeOf(json: JsonObject): NodeText {
  const { locality, metadata } = json;
  return {
    id: text(json["id"]),
    cluster: text(json["cluster"]),
    metadata: (metadata ?? {}) as JsonObject,
    ...(locality !== undefined && { locality: locality as NonNullable<NodeText["locality"]> }),
    userAgentName: text(json["userAgentName"]),
    userAgentVersion: userAgentVersion(json),
  };
}

function userAgentVersion(json: JsonObject): string {
  const build = json["userAgentBuildVersion"] as JsonObject | undefined;
  const { majorNumber, minorNumber, patch } = (build?.["version"] ?? {}) as JsonObject;
  if (build !== undefined) return [majorNumber, minorNumber, patch].map((part) => String(part ?? 0)).join(".");
  return text(json["userAgentVersion"]);
}

function nodeJson({ id, cluster, metadata, locality, userAgentName, userAgentVersion: version }: NodeText): JsonObject {
  return {
    id,
    cluster,
    metadata,
    userAgentName,
    ...(version !== "" && { userAgentVersion: version }),
    ...(locality !== undefined && { locality: { ...locality } }),
  };
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
