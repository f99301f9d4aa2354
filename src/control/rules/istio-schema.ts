import type { HttpMatch, HttpRoute, RouteDestination, Rule } from "../../model/rule.ts";
import { corsPolicy, gatewaySpec, rewrite } from "./gateway-schema.ts";
import {
  anyText,
  anything,
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
import { REST_MAPPING } from "./rest-mapping.ts";
import type { Field, ObjectShape, ReadContext, ReadObject } from "./schema.ts";
import { serviceEntrySpec } from "./service-entry-object.ts";
import { meaningless, notYet, object } from "./shapes.ts";

const MAX_INT = 2_147_483_647;

const headerOperations = object({
  set: { shape: headerMap },
  add: { shape: headerMap },
  remove: { shape: listOf(text) },
});

const headers = object({
  request: { shape: headerOperations },
  response: notYet("answers keep the attachments that the callee gave them"),
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
    port: meaningless("a service has one port in the mesh, so the condition always holds", whole(0, 65_535)),
    statPrefix: meaningless("metrics name the route by its name", anyText),
  },
  { into: checkMatch },
);

const destination = object({
  host: { shape: exactHost, required: true },
  subset: { shape: text },
  port: meaningless(
    "a service has one port in the mesh, calls go to each provider's own",
    object({ number: { shape: whole(1, 65_535) } }),
  ),
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
        exponentialDelay: notYet(),
      },
      { exclusive: [["percentage", "percent"]] },
    ),
  },
  abort: {
    shape: object(
      {
        httpStatus: { shape: whole(200, 599) },
        grpcStatus: { shape: grpcStatus },
        http2Error: meaningless("there are no HTTP/2 streams to reset"),
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
  retryRemoteLocalities: notYet("a retry may go to any endpoint"),
  retryIgnorePreviousHosts: notYet("a retry goes to another endpoint where there is one"),
});

const directResponse = object({
  status: { shape: whole(200, 599), required: true },
  body: { shape: object({ string: { shape: anyText }, bytes: notYet() }, { exclusive: [["string", "bytes"]] }) },
});

const skipped = "the route is passed over, its calls go on to the next";

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
    redirect: meaningless(`a caller can't be sent elsewhere; ${skipped}`),
    delegate: notYet(skipped),
    rewrite: { shape: rewrite },
    corsPolicy: { shape: corsPolicy },
    mirror: notYet(),
    mirrors: notYet(),
    mirrorPercent: notYet(),
    mirrorPercentage: notYet(),
  },
  { exclusive: [["route", "redirect", "directResponse", "delegate"]], into: checkRoute },
);

const metadata = object({
  name: { shape: text, required: true },
  namespace: { shape: anyText },
  creationTimestamp: { shape: time },
  ...Object.fromEntries(
    [
      ..."labels annotations uid resourceVersion generation generateName managedFields ownerReferences finalizers".split(
        " ",
      ),
      ..."selfLink deletionTimestamp deletionGracePeriodSeconds clusterName".split(" "),
    ].map((name) => [name, { shape: anything }]),
  ),
});

const tls = object(
  Object.fromEntries([
    ["mode", { shape: { type: "choice", of: ["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"] } }],
    ..."clientCertificate privateKey caCertificates credentialName subjectAltNames sni insecureSkipVerify caCrl"
      .split(" ")
      .map((name) => [name, { shape: anything }]),
  ]),
  {
    into(value, context, path) {
      if (value.mode !== undefined && value.mode !== "DISABLE")
        context.report(
          "TR0236",
          value.at.position,
          `${path} asks for ${value.mode}, but calls to providers are sent in plain text`,
        );
      return value;
    },
  },
);

const loadBalancer = object(
  {
    simple: {
      shape: {
        type: "choice",
        of: ["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"],
      },
    },
    consistentHash: notYet("calls are spread by weighted random choice"),
    localityLbSetting: notYet(),
    zoneAwareLbSetting: notYet(),
    warmup: notYet("each provider's own warm-up holds"),
    warmupDurationSecs: notYet("each provider's own warm-up holds"),
  },
  {
    into(value, context, path) {
      if (value.simple === "PASSTHROUGH")
        context.report(
          "TR0228",
          value.at.fields.simple ?? value.at.position,
          `${path}.simple PASSTHROUGH is not applied: callers know the proxy's address alone, so calls are spread by weighted random choice`,
        );
      return value;
    },
  },
);

const shared = "callers share few connections to a provider";

const connectionPool = object({
  tcp: {
    shape: object({
      connectTimeout: notYet("a connection may take 3 s, and calls go to connected providers meanwhile"),
      maxConnections: notYet(shared),
      tcpKeepalive: notYet("connections are watched by Dubbo's own heartbeats"),
      maxConnectionDuration: notYet(),
      idleTimeout: notYet(),
    }),
  },
  http: {
    shape: object({
      http1MaxPendingRequests: notYet("calls that wait for a connection count among http2MaxRequests"),
      http2MaxRequests: { shape: whole(0, MAX_INT) },
      maxRetries: notYet("retries of one call are limited by its route"),
      maxRequestsPerConnection: notYet(shared),
      maxConcurrentStreams: notYet(shared),
      idleTimeout: notYet(),
      h2UpgradePolicy: meaningless("it is no HTTP"),
      useClientProtocol: meaningless("a provider is called in the protocol it speaks"),
      http2KeepAlive: meaningless("it is no HTTP"),
    }),
  },
});

const trafficPolicy = object({
  loadBalancer: { shape: loadBalancer },
  connectionPool: { shape: connectionPool },
  tls: { shape: tls },
  outlierDetection: notYet("no endpoint is ejected"),
  portLevelSettings: notYet("a service has one port in the mesh; set it for the whole service"),
  tunnel: notYet(),
  proxyProtocol: notYet(),
  retryBudget: notYet(),
});

const subset = object({
  name: { shape: text, required: true },
  labels: { shape: textMap },
  trafficPolicy: { shape: trafficPolicy },
});

const topLevel = (spec: ObjectShape, shape: ObjectShape = metadata): ObjectShape =>
  object({
    apiVersion: { shape: text, required: true },
    kind: { shape: text, required: true },
    metadata: { shape, required: true },
    spec: { shape: spec, required: true },
    status: { shape: anything },
  });

const exportTo: Field = meaningless("rules of one instance hold for all its callers", listOf(text));

/** What a document of each kind must be. */
export const KINDS: Readonly<Record<Rule["kind"], ObjectShape>> = {
  Gateway: topLevel(gatewaySpec, object({ ...metadata.fields, annotations: { shape: textMap } })),
  RestMapping: REST_MAPPING,
  ServiceEntry: topLevel(serviceEntrySpec),
  VirtualService: topLevel(
    object({
      hosts: { shape: listOf(host, 1), required: true },
      gateways: { shape: listOf(text) },
      http: { shape: listOf(httpRoute) },
      exportTo,
      tls: meaningless("calls are routed by what they say, not by the connection's server name"),
      tcp: meaningless("calls are routed one by one, not by connection"),
    }),
  ),
  DestinationRule: topLevel(
    object({
      host: { shape: host, required: true },
      subsets: { shape: listOf(subset) },
      trafficPolicy: { shape: trafficPolicy },
      exportTo,
      workloadSelector: meaningless("rules of one instance hold for all its callers"),
    }),
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
  return value;
}

/** Sum of the weights as written; one that is not written counts 0. */
export function sumOfWeights(route: readonly RouteDestination[]): number {
  return route.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
}
