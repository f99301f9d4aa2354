import { type Cluster, HTTP_PROTOCOL_OPTIONS, type HttpProtocolOptions } from "../../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../../codecs/xds/core.ts";
import { ADS, type ProtoJson, type Spoken } from "../targets.ts";
import { withRoots } from "./roots.ts";

/** How long a connection may take to come up: Istio's default for a mesh. */
const CONNECT_TIMEOUT = "10s";
/** No limit that a rule does not ask for: Envoy's own of 3 retries at once fails calls while endpoints come and go. */
const NO_LIMIT = 4_294_967_295;

/** What is asked of one cluster beside what its rules say. */
export interface ClusterTarget {
  readonly name: string;
  /** What its endpoints speak; HTTP/2 is asked of those that speak Triple or gRPC. */
  readonly spoken: Spoken | "tcp";
  /** The endpoints, where they stand in the cluster itself because some have DNS names; else they come by EDS. */
  readonly inline?: ProtoJson;
}

/** A cluster for Envoy: what rules say of it, and Istio's defaults for all that they do not. What Trestle alone reads is left out. */
export function envoyCluster(cluster: Cluster, { name, spoken, inline }: ClusterTarget): ProtoJson {
  const { metadata, type: _eds, lbPolicy, circuitBreakers, commonLbConfig, ...others } = cluster;
  const { retryWindow, errorCodes } = metadata.filterMetadata[TRESTLE_METADATA];
  const [limits] = circuitBreakers?.thresholds ?? [];
  const { typedExtensionProtocolOptions: options, ...rules } = others;
  const errors = spoken === "http" && errorCodes !== undefined ? errorsOf(errorCodes) : undefined;
  const http =
    spoken === "tri" || options !== undefined || errors !== undefined
      ? { ...httpOptions(options?.[HTTP_PROTOCOL_OPTIONS], spoken), ...errors }
      : undefined;
  return {
    connectTimeout: CONNECT_TIMEOUT,
    ...rules,
    ...(rules.transportSocket && { transportSocket: withRoots(rules.transportSocket) }),
    // No endpoint that is out of order is called because many are.
    commonLbConfig: { healthyPanicThreshold: {}, ...commonLbConfig },
    ...(http && { typedExtensionProtocolOptions: { [HTTP_PROTOCOL_OPTIONS]: http } }),
    name,
    ...(inline === undefined
      ? { type: "EDS", edsClusterConfig: { edsConfig: ADS } }
      : { type: "STRICT_DNS", loadAssignment: inline }),
    lbPolicy,
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: NO_LIMIT,
          maxPendingRequests: NO_LIMIT,
          maxRequests: NO_LIMIT,
          maxRetries: NO_LIMIT,
          trackRemaining: true,
          ...limits,
          ...(retryWindow && { retryBudget: { ...limits?.retryBudget, budgetInterval: retryWindow } }),
        },
      ],
    },
  };
}

/** Which statuses count as errors of a provider, in place of those from 500 on. Of gRPC calls an Envoy would look at HTTP's status, which is 200. */
function errorsOf(codes: readonly number[]): ProtoJson {
  const stringMatch = { safeRegex: { regex: codes.join("|") } };
  const headers = [{ name: ":status", stringMatch }];
  return { outlierDetection: { errorMatcher: { httpResponseHeadersMatch: { headers } } } };
}

/** Envoy wants to be told the version of HTTP wherever it is told anything of it. */
function httpOptions(options: HttpProtocolOptions | undefined, spoken: ClusterTarget["spoken"]): ProtoJson {
  const { explicitHttpConfig, ...others } = options ?? {};
  const own = spoken === "tri" ? { http2ProtocolOptions: {} } : { httpProtocolOptions: {} };
  return { ...others, explicitHttpConfig: explicitHttpConfig?.http2ProtocolOptions ? explicitHttpConfig : own };
}
