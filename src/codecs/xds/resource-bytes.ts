/**
 * Resources and messages of the control plane as protobuf bytes, from and to proto3's JSON form, in which the rest of Trestle has them.
 */
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { ProtocolError } from "../../base/errors.ts";
import { fillDefaults } from "./defaults.ts";
import { SCHEMA_TYPE } from "./resources.ts";
import { SERIALIZATION_FILTER } from "./serialization-guard.ts";
import { xdsMessage, xdsTypes } from "./types.ts";

/** Types of configurations that stand under the name of their filter, where a resource does not say `@type`. */
const FILTER_TYPES: Readonly<Record<string, string>> = {
  "envoy.filters.http.fault": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
  "envoy.filters.http.cors": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
  "envoy.filters.http.rbac": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute",
  "envoy.filters.http.jwt_authn": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
  "envoy.filters.http.ext_authz": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
  "envoy.filters.http.local_ratelimit":
    "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
  "envoy.filters.http.ratelimit": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute",
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions":
    "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
};

/** What is no type of Envoy's goes as this. */
const STRUCT = "type.googleapis.com/google.protobuf.Struct";

/** Fields of resources that hold configurations by names of filters. */
const BY_FILTER = new Set(["typedPerFilterConfig", "typedExtensionProtocolOptions"]);

/**
 * A resource's bytes, as they stand in the `value` of an Any of that type. A configuration under the name of a filter may leave out its
 * `@type`. The same resource gives the same bytes. Throws an `Error` that names the field for what is not of the type.
 */
export function encodeResource(typeUrl: string, json: unknown): Uint8Array {
  if (typeUrl === SCHEMA_TYPE) {
    const { name } = json as { readonly name: string };
    return encodeMessage(xdsMessage(typeUrl), { name, json: JSON.stringify(json) });
  }
  return encodeMessage(xdsMessage(typeUrl), withTypes(json as JsonValue));
}

/**
 * A resource from the `value` of an Any of that type, in the shape that `src/codecs/xds` gives it: a field that Trestle always reads is
 * there with its default where the bytes leave it out. Throws a `ProtocolError` for bytes that are not of the type.
 */
export function decodeResource(typeUrl: string, bytes: Uint8Array): JsonObject {
  const type = xdsMessage(typeUrl);
  const json = decodeMessage(type, bytes);
  if (typeUrl !== SCHEMA_TYPE) return fillDefaults(type, json);
  try {
    const schema: unknown = JSON.parse(String(json["json"]));
    if (typeof schema === "object" && schema !== null) return schema as JsonObject;
  } catch {
    // The error below says it.
  }
  throw new ProtocolError("xds", "the json of a ServiceSchema is not an object", 0);
}

/** A message's bytes from its JSON form. Throws an `Error` that names the field for what is not of the type. */
export function encodeMessage(type: DescMessage, json: JsonValue): Uint8Array {
  return toBinary(type, fromJson(type, json, { registry: xdsTypes() }));
}

/** A message's JSON form from bytes: fields with their defaults are left out. Throws a `ProtocolError` for bytes that are not of the type. */
export function decodeMessage(type: DescMessage, bytes: Uint8Array): JsonObject {
  try {
    return toJson(type, fromBinary(type, bytes), { registry: xdsTypes() }) as JsonObject;
  } catch (error) {
    throw new ProtocolError("xds", `bytes are no ${type.typeName}: ${(error as Error).message.slice(0, 300)}`, 0);
  }
}

/** The same value where nothing lacks a type: only what holds such a configuration is copied. */
function withTypes(json: JsonValue): JsonValue {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) {
    let copy: JsonValue[] | undefined;
    for (let at = 0; at < json.length; at++) {
      const one = withTypes(json[at]!);
      if (one === json[at]) continue;
      copy ??= [...json];
      copy[at] = one;
    }
    return copy ?? json;
  }
  let copy: JsonObject | undefined;
  for (const key of Object.keys(json)) {
    const value = json[key]!;
    const one = BY_FILTER.has(key) ? withFilterTypes(value as JsonObject) : withTypes(value);
    if (one === value) continue;
    copy ??= { ...json };
    copy[key] = one;
  }
  return copy ?? json;
}

function withFilterTypes(configs: JsonObject): JsonObject {
  const typed: JsonObject = {};
  for (const [name, config] of Object.entries(configs)) {
    // Of several filters of a kind, each has a name of its own behind a slash.
    const type = FILTER_TYPES[name] ?? FILTER_TYPES[name.split("/", 1)[0]!];
    const inside = withTypes(config) as JsonObject;
    if (name === SERIALIZATION_FILTER) typed[name] = { "@type": STRUCT, value: inside };
    else typed[name] = type === undefined || inside["@type"] !== undefined ? inside : { "@type": type, ...inside };
  }
  return typed;
}
