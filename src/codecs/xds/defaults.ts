/** What proto3's JSON form leaves out and Trestle's shapes always have. */
import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { xdsTypes } from "./types.ts";

/** By message, the fields that are never missing in `src/codecs/xds`, with what a missing one means. */
const ALWAYS: Readonly<Record<string, JsonObject>> = {
  "envoy.config.cluster.v3.Cluster": { type: "STATIC", lbPolicy: "ROUND_ROBIN" },
  "envoy.config.core.v3.HeaderValue": { value: "" },
  "envoy.config.core.v3.HeaderValueOption": { appendAction: "APPEND_IF_EXISTS_OR_ADD" },
  "envoy.config.endpoint.v3.ClusterLoadAssignment": { endpoints: [] },
  "envoy.config.endpoint.v3.LocalityLbEndpoints": { lbEndpoints: [] },
  "envoy.config.rbac.v3.Policy": { permissions: [], principals: [] },
  "envoy.config.route.v3.RetryPolicy": { retryOn: "" },
  "envoy.config.route.v3.RouteConfiguration": { virtualHosts: [] },
  "envoy.config.route.v3.VirtualHost": { domains: [], routes: [] },
  "envoy.config.route.v3.WeightedCluster": { clusters: [] },
  "envoy.extensions.filters.http.cors.v3.CorsPolicy": { allowOriginStringMatch: [] },
  "envoy.type.v3.Percent": { value: 0 },
  "envoy.type.v3.FractionalPercent": { numerator: 0, denominator: "HUNDRED" },
};

/** What proto3's JSON form has as text, since not every number of 64 bits is one of JavaScript's; those of our shapes are small. */
const LONG_WRAPPERS: ReadonlySet<string> = new Set(["google.protobuf.UInt64Value", "google.protobuf.Int64Value"]);

/** Statuses of HTTP have names in proto3's JSON form, and are numbers in our shapes. */
const HTTP_STATUS = "envoy.type.v3.StatusCode";

/** The same object with those fields filled in and wrapped numbers of 64 bits as numbers, at any depth, also within what an Any holds. */
export function fillDefaults(type: DescMessage, json: JsonObject): JsonObject {
  for (const field of type.fields) {
    const value = json[field.jsonName];
    if (value === undefined || value === null) continue;
    if (isLong(field) && typeof value === "string") json[field.jsonName] = Number(value);
    else if (field.enum?.typeName === HTTP_STATUS)
      json[field.jsonName] = field.enum.values.find(({ name }) => name === value)?.number ?? value;
    else if (field.message !== undefined) fillField(field, field.message, value);
  }
  const always = ALWAYS[type.typeName];
  if (always !== undefined)
    for (const [name, value] of Object.entries(always)) json[name] ??= Array.isArray(value) ? [] : value;
  return json;
}

/** A configuration that is no type of Envoy's, as it was before it went as a Struct. */
function unwrap(any: JsonObject): void {
  const inside = any["value"];
  if (typeof inside !== "object" || inside === null || Array.isArray(inside)) return;
  delete any["value"];
  delete any["@type"];
  Object.assign(any, inside);
}

function isLong(field: DescField): boolean {
  return field.fieldKind === "message" && LONG_WRAPPERS.has(field.message.typeName);
}

function fillField(field: DescField, type: DescMessage, value: JsonValue): void {
  if (field.fieldKind === "list") for (const one of value as JsonValue[]) fillValue(type, one);
  else if (field.fieldKind === "map") for (const one of Object.values(value as JsonObject)) fillValue(type, one);
  else fillValue(type, value);
}

function fillValue(type: DescMessage, value: JsonValue): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  if (type.typeName === "google.protobuf.Any") {
    const url = value["@type"];
    if (url === "type.googleapis.com/google.protobuf.Struct") unwrap(value);
    const inside = typeof url === "string" ? xdsTypes().getMessage(url.slice(url.lastIndexOf("/") + 1)) : undefined;
    if (inside !== undefined && !inside.typeName.startsWith("google.protobuf.")) fillDefaults(inside, value);
  } else if (!type.typeName.startsWith("google.protobuf.")) fillDefaults(type, value);
}
