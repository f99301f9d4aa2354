import type { PolicyRule, Rule } from "../../../model/rule.ts";
import type { GatewayRoute } from "../../../model/rules/gateway-route.ts";
import type {
  Destination,
  HttpMatch,
  HttpRoute,
  Mirror,
  Percent,
  RouteDestination,
} from "../../../model/rules/http-route.ts";
import type { ObjectShape, ReadContext, ReadObject } from "../schema.ts";
import { tcpRoute, tlsRoute } from "./connection-schema.ts";
import { corsPolicy, gatewaySpec, rewrite } from "./gateway-schema.ts";
import {
  anyText,
  anything,
  base64,
  duration,
  durationOrZero,
  exactHost,
  flag,
  grpcStatus,
  headerMap,
  headerMatches,
  host,
  listOf,
  retryOn,
  text,
  textMap,
  textMatch,
  time,
  whole,
} from "./istio-values.ts";
import { redirect } from "./redirect.ts";
import { REST_MAPPING } from "./rest-mapping.ts";
import { serviceEntrySpec, workloadEntrySpec } from "./service-entry-object.ts";
import { meaningless, object } from "./shapes.ts";
import { sidecarSpec } from "./sidecar-schema.ts";
import { destinationRuleFields, exportTo } from "./traffic-policy-schema.ts";

const MAX_INT = 2_147_483_647;

const headerOperations = object({
  set: { shape: headerMap },
  add: { shape: headerMap },
  remove: { shape: listOf(text) },
});

const headers = object({
  request: { shape: headerOperations },
  response: { shape: headerOperations },
});

const httpMatch = object(
  {
    name: { shape: anyText },
    uri: { shape: textMatch },
    ignoreUriCase: { shape: flag },
    method: { shape: textMatch },
    authority: { shape: textMatch },
    headers: { shape: headerMatches },
    withoutHeaders: { shape: headerMatches },
    gateways: { shape: listOf(text) },
    scheme: { shape: textMatch },
    queryParams: { shape: headerMatches },
    sourceLabels: { shape: textMap },
    sourceNamespace: { shape: anyText },
    port: { shape: whole(0, 65_535) },
    statPrefix: meaningless("metrics name the route by its name", anyText),
  },
  { into: checkMatch },
);

const destination = object({
  host: { shape: exactHost, required: true },
  subset: { shape: text },
  port: { shape: object({ number: { shape: whole(1, 65_535) } }) },
});

const routeDestination = object({
  destination: { shape: destination, required: true },
  weight: { shape: whole(0, MAX_INT) },
  headers: { shape: headers },
});

const percentage = object({ value: { shape: { type: "number", min: 0, max: 100 } } });

const fault = object({
  delay: {
    shape: object(
      {
        fixedDelay: { shape: duration, as: "fixedDelayMs", required: true },
        percentage: { shape: percentage },
        percent: { shape: whole(0, 100) },
        exponentialDelay: meaningless("Istio passes it over as well", duration),
      },
      { exclusive: [["percentage", "percent"]] },
    ),
  },
  abort: {
    shape: object(
      {
        httpStatus: { shape: whole(200, 599) },
        grpcStatus: { shape: grpcStatus },
        http2Error: meaningless("there are no HTTP/2 streams to reset", anyText),
        percentage: { shape: percentage },
        percent: { shape: whole(0, 100) },
      },
      {
        exclusive: [
          ["httpStatus", "grpcStatus", "http2Error"],
          ["percentage", "percent"],
        ],
        into(value, context, path) {
          if (value.httpStatus !== undefined || value.grpcStatus !== undefined) return value;
          context.report("TR0208", value.at.position, `${path} needs one of httpStatus and grpcStatus`);
          return undefined;
        },
      },
    ),
  },
});

const retries = object({
  attempts: { shape: whole(0, 100), required: true },
  perTryTimeout: { shape: duration, as: "perTryTimeoutMs" },
  retryOn: { shape: retryOn },
  backoff: { shape: duration, as: "backoffMs" },
  retryRemoteLocalities: { shape: flag },
  retryIgnorePreviousHosts: { shape: flag },
});

const directResponse = object({
  status: { shape: whole(200, 599), required: true },
  body: {
    shape: object({ string: { shape: anyText }, bytes: { shape: base64 } }, { exclusive: [["string", "bytes"]] }),
  },
});

const mirror = object({ destination: { shape: destination, required: true }, percentage: { shape: percentage } });

const httpRoute = object(
  {
    name: { shape: anyText },
    match: { shape: listOf(httpMatch) },
    route: { shape: listOf(routeDestination, 1) },
    directResponse: { shape: directResponse },
    timeout: { shape: durationOrZero, as: "timeoutMs" },
    retries: { shape: retries },
    fault: { shape: fault },
    headers: { shape: headers },
    redirect: { shape: redirect },
    delegate: { shape: object({ name: { shape: text, required: true }, namespace: { shape: anyText } }) },
    rewrite: { shape: rewrite },
    corsPolicy: { shape: corsPolicy },
    mirror: { shape: destination },
    mirrors: { shape: listOf(mirror) },
    mirrorPercent: { shape: whole(0, 100) },
    mirror_percent: { shape: whole(0, 100), as: "mirrorPercent" },
    mirrorPercentage: { shape: percentage },
  },
  {
    exclusive: [
      ["route", "redirect", "directResponse", "delegate"],
      ["mirror", "mirrors"],
      ["mirrorPercent", "mirror_percent", "mirrorPercentage"],
    ],
    into: checkRoute,
  },
);

/** Metadata as Kubernetes has it; what no rule asks for is not taken. */
export const metadata: ObjectShape = object({
  name: { shape: text, required: true },
  namespace: { shape: anyText },
  creationTimestamp: { shape: time, nullable: true },
  ...Object.fromEntries(
    [
      ..."labels annotations uid resourceVersion generation generateName managedFields ownerReferences finalizers".split(
        " ",
      ),
      ..."selfLink deletionTimestamp deletionGracePeriodSeconds clusterName".split(" "),
    ].map((name) => [name, { shape: anything }]),
  ),
});

const topLevel = (spec: ObjectShape, shape: ObjectShape = metadata): ObjectShape =>
  object({
    apiVersion: { shape: text, required: true },
    kind: { shape: text, required: true },
    metadata: { shape, required: true },
    spec: { shape: spec, required: true },
    status: { shape: anything },
  });

/** Metadata of kinds whose annotations say something. */
export const annotated = object({ ...metadata.fields, annotations: { shape: textMap, nullable: true } });

/** What a document of each kind must be. */
export const KINDS: Readonly<
  Record<Exclude<Rule["kind"], PolicyRule["kind"] | GatewayRoute["kind"] | "MetaRouter">, ObjectShape>
> = {
  Gateway: topLevel(gatewaySpec, annotated),
  RestMapping: REST_MAPPING,
  ServiceEntry: topLevel(serviceEntrySpec),
  VirtualService: topLevel(
    object({
      hosts: { shape: listOf(host) },
      gateways: { shape: listOf(text) },
      http: { shape: listOf(httpRoute) },
      exportTo,
      tls: { shape: listOf(tlsRoute) },
      tcp: { shape: listOf(tcpRoute) },
    }),
  ),
  DestinationRule: topLevel(object({ host: { shape: host, required: true }, ...destinationRuleFields }), annotated),
  Sidecar: topLevel(sidecarSpec),
  WorkloadEntry: topLevel(
    workloadEntrySpec,
    object({ ...metadata.fields, labels: { shape: textMap, nullable: true } }),
  ),
};

/**
 * `uri` and `method` are both of the path. A regular expression can't be joined to another condition on the same text (it
 * would need a look-ahead), so it may only stand beside an exact one, or beside a prefix that ends with the interface.
 */
function checkMatch(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { uri, method } = value as unknown as HttpMatch;
  if (uri === undefined || method === undefined || uri.type === "exact" || method.type === "exact") return value;
  const ofInterface = uri.type === "prefix" && !/^\/[^/]*\/./.test(uri.value);
  if (uri.type !== "regex" && (method.type !== "regex" || ofInterface)) return value;
  context.report(
    "TR0213",
    value.at.fields.method ?? value.at.position,
    `${path} has uri and method, one of them a regular expression; make one exact, or say both in uri as "/interface/method"`,
  );
  return undefined;
}

function checkRoute(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { at, route } = value as unknown as HttpRoute;
  const { mirror: one, mirrors, mirrorPercent, mirrorPercentage, ...rest } = value;
  if (!["route", "redirect", "directResponse", "delegate"].some((name) => at.fields[name] !== undefined)) {
    context.report("TR0208", at.position, `${path}.route is missing`);
    return undefined;
  }
  if (route !== undefined && route.length > 1 && sumOfWeights(route) === 0) {
    context.report(
      "TR0212",
      at.fields.route!,
      `${path}.route has ${route.length} destinations whose weights add up to 0`,
    );
    return undefined;
  }
  if (one === undefined) checkShare(value, context, path);
  if (one === undefined) return (mirrors === undefined ? rest : { ...rest, mirrors }) as ReadObject;
  return {
    ...rest,
    mirrors: [oneMirror(one as Destination, mirrorPercentage ?? mirrorPercent)],
  } as unknown as ReadObject;
}

/** Says of a share of copies that it is of nothing. */
export function checkShare({ at, mirror: one }: ReadObject, { report }: ReadContext, path: string): void {
  const [name] = ["mirrorPercentage", "mirrorPercent", "mirror_percent"].filter((field) => at.fields[field]);
  if (one !== undefined || name === undefined) return;
  report(
    "TR0227",
    at.fields[name]!,
    `${path}.${name} does nothing: it is the share of a mirror beside it, and there is none`,
  );
}

/** `mirror` with what stands beside it, as an element of `mirrors`. */
function oneMirror(destination: Destination, share: unknown): Mirror {
  const { at } = destination;
  if (share === undefined) return { at, destination };
  return { at, destination, percentage: typeof share === "number" ? { at, value: share } : (share as Percent) };
}

/** Sum of the weights as written; one that is not written counts 0. */
export function sumOfWeights(route: readonly RouteDestination[]): number {
  return route.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
}
