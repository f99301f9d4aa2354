import {
  type Check,
  type Field,
  type ObjectShape,
  quote,
  type ReadContext,
  type ReadObject,
  type Shape,
} from "../schema.ts";
import { anyText, duration, durationOrZero, exactHost, flag, listOf, text, textMap, whole } from "./istio-values.ts";
import { meaningless, object } from "./shapes.ts";

const MAX_INT = 2_147_483_647;
/** Largest table of maglev's that Envoy takes. */
const MAX_TABLE = 5_000_011;
const count: Shape = whole(0, MAX_INT);
const percent: Shape = whole(0, 100);
const share: Shape = { type: "number", min: 0, max: 100 };

/** `region/zone/subzone`, the last parts left out or `*`. */
const isLocality: Check<string> = (value) =>
  value.length <= 256 && /^(?:\*|[^/*]+(?:\/[^/*]+){0,2}(?:\/\*)?)$/.test(value)
    ? undefined
    : {
        code: "TR0209",
        problem: `is ${quote(value)}; a locality is region/zone/subzone, perhaps with * for its last part`,
      };
const locality: Shape = { type: "text", check: isLocality };

/** One text, or all of them in turn, wrong by the whole object. */
const needs = (value: ReadObject, context: ReadContext, path: string, problem: string): undefined => {
  context.report("TR0208", value.at.position, `${path} ${problem}`);
  return undefined;
};

const consistentHash = object(
  {
    httpHeaderName: { shape: text },
    httpCookie: {
      shape: object({
        name: { shape: text, required: true },
        path: { shape: anyText },
        ttl: { shape: durationOrZero, as: "ttlMs" },
        attributes: { shape: listOf(object({ name: { shape: text, required: true }, value: { shape: anyText } })) },
      }),
    },
    useSourceIp: { shape: flag },
    httpQueryParameterName: { shape: text },
    ringHash: { shape: object({ minimumRingSize: { shape: count } }) },
    maglev: { shape: object({ tableSize: { shape: whole(0, MAX_TABLE) } }) },
    minimumRingSize: { shape: count },
  },
  {
    exclusive: [
      ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"],
      ["ringHash", "maglev", "minimumRingSize"],
    ],
    into(value, context, path) {
      const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName } = value;
      if ((httpHeaderName ?? httpCookie ?? httpQueryParameterName) === undefined && useSourceIp !== true)
        return needs(
          value,
          context,
          path,
          "needs one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName",
        );
      const size = (value.maglev as { tableSize?: number } | undefined)?.tableSize ?? 0;
      if (size === 0 || isPrime(size)) return value;
      context.report(
        "TR0209",
        value.at.fields.maglev!,
        `${path}.maglev.tableSize is ${size}, which is no prime number`,
      );
      return undefined;
    },
  },
);

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}

const localityLb = object(
  {
    distribute: {
      shape: listOf(
        object(
          {
            from: { shape: locality, required: true },
            to: { shape: { type: "map", of: percent, key: isLocality }, required: true },
          },
          {
            into(value, context, path) {
              const sum = Object.values(value.to as Record<string, number>).reduce((all, one) => all + one, 0);
              if (sum === 100) return value;
              context.report(
                "TR0209",
                value.at.fields.to!,
                `${path}.to adds up to ${sum}; its shares must add up to 100`,
              );
              return undefined;
            },
          },
        ),
      ),
    },
    failover: {
      shape: listOf(object({ from: { shape: text, required: true }, to: { shape: text, required: true } })),
    },
    failoverPriority: { shape: listOf(text) },
    enabled: { shape: flag },
  },
  {
    exclusive: [
      ["distribute", "failover"],
      ["distribute", "failoverPriority"],
    ],
  },
);

/** What zones and regions are told by already. */
const OF_PLACES = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"];

const zoneAwareLb = object({
  enabled: { shape: flag },
  failover: {
    shape: listOf(object({ from: { shape: text, required: true }, to: { shape: text, required: true } })),
  },
  failoverPriority: {
    shape: listOf({
      type: "text",
      check: (value) =>
        value !== "" && !OF_PLACES.includes(value.split("=", 1)[0]!)
          ? undefined
          : { code: "TR0209", problem: `is ${quote(value)}; regions and zones have their order already` },
    }),
  },
  minClusterSize: { shape: count },
});

const loadBalancer = object(
  {
    simple: {
      shape: {
        type: "choice",
        of: ["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"],
      },
    },
    consistentHash: { shape: consistentHash },
    localityLbSetting: { shape: localityLb },
    zoneAwareLbSetting: { shape: zoneAwareLb },
    warmup: {
      shape: object({
        duration: { shape: duration, as: "durationMs", required: true },
        minimumPercent: { shape: share },
        aggression: { shape: { type: "number", min: 1, max: 1_000 } },
      }),
    },
    warmupDurationSecs: { shape: duration },
  },
  {
    exclusive: [
      ["simple", "consistentHash"],
      ["warmup", "warmupDurationSecs"],
      ["localityLbSetting", "zoneAwareLbSetting"],
    ],
    into: readLoadBalancer,
  },
);

/** Istio's older warm-up becomes the newer one. */
function readLoadBalancer(value: ReadObject, context: ReadContext, path: string): ReadObject {
  if (value.simple === "PASSTHROUGH")
    context.report(
      "TR0227",
      value.at.fields.simple ?? value.at.position,
      `${path}.simple PASSTHROUGH has no meaning here: callers know the proxy's address alone, so calls are spread by weighted random choice`,
    );
  const { warmupDurationSecs, ...rest } = value;
  if (warmupDurationSecs === undefined) return value;
  const at = { position: value.at.fields.warmupDurationSecs ?? value.at.position, fields: {} };
  return { ...rest, at: value.at, warmup: { at, durationMs: warmupDurationSecs } };
}

/** `connectionPool` of a policy; Sidecars have one too. */
export const connectionPool: ObjectShape = object({
  tcp: {
    shape: object({
      connectTimeout: { shape: duration, as: "connectTimeoutMs" },
      maxConnections: { shape: count },
      tcpKeepalive: {
        shape: object({
          probes: { shape: count },
          time: { shape: duration, as: "timeMs" },
          interval: { shape: duration, as: "intervalMs" },
        }),
      },
      maxConnectionDuration: { shape: duration, as: "maxConnectionDurationMs" },
      idleTimeout: { shape: durationOrZero, as: "idleTimeoutMs" },
    }),
  },
  http: {
    shape: object({
      http1MaxPendingRequests: { shape: count },
      http2MaxRequests: { shape: count },
      maxRetries: { shape: count },
      maxRequestsPerConnection: { shape: count },
      maxConcurrentStreams: { shape: count },
      idleTimeout: { shape: durationOrZero, as: "idleTimeoutMs" },
      h2UpgradePolicy: meaningless("a provider is called in the protocol it speaks", {
        type: "choice",
        of: ["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"],
      }),
      useClientProtocol: meaningless("a provider is called in the protocol it speaks", flag),
      http2KeepAlive: meaningless("connections are watched by Trestle itself"),
    }),
  },
});

const outlierDetection = object({
  consecutive5xxErrors: { shape: count },
  consecutiveErrors: meaningless("Istio passes it over as well; say consecutive5xxErrors", count),
  consecutiveGatewayErrors: { shape: count },
  splitExternalLocalOriginErrors: { shape: flag },
  consecutiveLocalOriginFailures: { shape: count },
  interval: { shape: duration, as: "intervalMs" },
  baseEjectionTime: { shape: duration, as: "baseEjectionTimeMs" },
  maxEjectionPercent: { shape: percent },
  minHealthPercent: { shape: percent },
  outlierDetectionHttpErrorCodes: { shape: listOf(whole(100, 599)) },
});

const TLS_FILES = ["clientCertificate", "privateKey", "caCertificates"];

const tls = object(
  {
    mode: { shape: { type: "choice", of: ["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"] } },
    clientCertificate: { shape: anyText },
    privateKey: { shape: anyText },
    caCertificates: { shape: anyText },
    caCrl: { shape: anyText },
    credentialName: { shape: anyText },
    subjectAltNames: { shape: listOf(text) },
    sni: { shape: anyText },
    insecureSkipVerify: { shape: flag },
  },
  { into: checkTls },
);

function checkTls(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { mode = "DISABLE", credentialName } = value;
  const said = TLS_FILES.filter((name) => value[name] !== undefined && value[name] !== "");
  const fail = (problem: string) => {
    context.report("TR0213", value.at.fields.mode ?? value.at.position, `${path} ${problem}`);
    return undefined;
  };
  if (mode === "ISTIO_MUTUAL" && (said.length > 0 || credentialName !== undefined))
    return fail("is ISTIO_MUTUAL, whose certificates are the mesh's own, and names others");
  if (
    mode === "MUTUAL" &&
    credentialName === undefined &&
    !(said.includes("clientCertificate") && said.includes("privateKey"))
  )
    return fail("is MUTUAL and needs clientCertificate and privateKey, or credentialName");
  return value;
}

const ofPort: Readonly<Record<string, Field>> = {
  loadBalancer: { shape: loadBalancer },
  connectionPool: { shape: connectionPool },
  tls: { shape: tls },
  outlierDetection: { shape: outlierDetection },
};

const tunnel = object({
  protocol: { shape: anyText },
  targetHost: { shape: exactHost, required: true },
  targetPort: { shape: whole(1, 65_535), required: true },
});

const trafficPolicy = object({
  ...ofPort,
  portLevelSettings: {
    shape: listOf(
      object({
        ...ofPort,
        port: { shape: object({ number: { shape: whole(1, 65_535), required: true } }), required: true },
      }),
    ),
  },
  retryBudget: {
    shape: object({
      percent: { shape: share },
      minRetryConcurrency: { shape: count },
      budgetInterval: { shape: durationOrZero, as: "budgetIntervalMs" },
    }),
  },
  tunnel: meaningless("calls are made to the providers themselves", tunnel),
  proxyProtocol: meaningless(
    "providers do not read it",
    object({ version: { shape: { type: "choice", of: ["V1", "V2"] } } }),
  ),
});

const subset = object({
  name: { shape: text, required: true },
  labels: { shape: textMap },
  trafficPolicy: { shape: trafficPolicy },
});

/** The namespaces that see an object. */
export const exportTo: Field = {
  shape: listOf({
    type: "text",
    check: (value) =>
      value.length <= 63 && /^(?:\.|\*|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)$/.test(value)
        ? undefined
        : { code: "TR0209", problem: `is ${quote(value)}; it must be ".", "*" or the name of a namespace` },
  }),
};

/** What the spec of a DestinationRule must be but for its host. */
export const destinationRuleFields: Readonly<Record<string, Field>> = {
  subsets: { shape: listOf(subset) },
  trafficPolicy: { shape: trafficPolicy },
  exportTo,
  workloadSelector: { shape: object({ matchLabels: { shape: textMap } }) },
};

/** A workload selector as Sidecars and ServiceEntries write it. */
export const workloadSelector: ObjectShape = object({ labels: { shape: textMap } });
