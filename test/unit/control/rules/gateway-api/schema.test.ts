import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { grpcRouteSpec, httpRouteSpec } from "../../../../../src/control/rules/gateway-api/schema.ts";
import type { ObjectShape, Shape } from "../../../../../src/control/rules/schema.ts";

/** Types made of Gateway API's own CRDs: one interface a type. */
const FOLDER = fileURLToPath(
  new URL("../../../../../node_modules/@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1", import.meta.url),
);

/** The fields that the CRD's type of that name has. */
function theirs(type: string): string[] {
  const text = readFileSync(`${FOLDER}/${type}.d.ts`, "utf8");
  const [, base, body] = new RegExp(
    `export interface I${type} (?:extends IIoK8sSigsGatewayApiApisV1(\\w+) )?\\{(.*?)^\\}`,
    "ms",
  ).exec(text)!;
  const own = [...body!.matchAll(/^ {4}"?(\w+)"?\??:/gm)].map(([, name]) => name!);
  return [...new Set([...own, ...(base === undefined ? [] : theirs(base))])].sort();
}

/** The fields of a part of our shape, named from its top. */
function ours(shape: Shape, ...path: string[]): string[] {
  const found = path.reduce<Shape>((at, name) => inside(at).fields[name]!.shape, shape);
  return Object.keys(inside(found).fields).sort();
}

function inside(shape: Shape): ObjectShape {
  return shape.type === "list" ? inside(shape.of) : (shape as ObjectShape);
}

describe.each([
  ["GRPC", grpcRouteSpec],
  ["HTTP", httpRouteSpec],
])("%sRoute has the fields of Gateway API's own CRD", (kind, spec) => {
  test.each([
    [`${kind}RouteSpec`, []],
    ["ParentReference", ["parentRefs"]],
    [`${kind}RouteRule`, ["rules"]],
    [`${kind}RouteMatch`, ["rules", "matches"]],
    [`${kind}RouteFilter`, ["rules", "filters"]],
    [`${kind}BackendRef`, ["rules", "backendRefs"]],
    [`${kind}RouteFilter`, ["rules", "backendRefs", "filters"]],
    ["HTTPHeaderFilter", ["rules", "filters", "requestHeaderModifier"]],
    ["HTTPRequestMirrorFilter", ["rules", "filters", "requestMirror"]],
  ])("in %s", (type, path) => {
    expect(ours(spec, ...path)).toEqual(theirs(type));
  });
});

test.each([
  ["HTTPRouteTimeouts", ["rules", "timeouts"]],
  ["HTTPRouteRetry", ["rules", "retry"]],
  ["HTTPURLRewriteFilter", ["rules", "filters", "urlRewrite"]],
])("HTTPRoute's %s has the CRD's fields", (type, path) => {
  expect(ours(httpRouteSpec, ...path)).toEqual(theirs(type));
});
