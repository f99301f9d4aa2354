import {
  type Cluster,
  HTTP_PROTOCOL_OPTIONS,
  type OutlierDetection,
  type SlowStartConfig,
} from "../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { CommonTlsContext, TransportSocket } from "../../codecs/xds/tls.ts";

/** How a cluster's endpoints are picked; `""` where there is none. */
export function describeBalancer(cluster: Cluster | undefined): string {
  if (cluster === undefined) return "";
  const { lbPolicy, metadata, maglevLbConfig, ringHashLbConfig } = cluster;
  const slow = (cluster.leastRequestLbConfig ?? cluster.roundRobinLbConfig)?.slowStartConfig;
  const size = maglevLbConfig?.tableSize ?? ringHashLbConfig?.minimumRingSize;
  const policy = metadata.filterMetadata[TRESTLE_METADATA].balancer ?? lbPolicy;
  return joined([
    size === undefined ? policy : `${policy} of ${size} places`,
    slow === undefined ? "" : describeSlowStart(slow),
    cluster.commonLbConfig?.localityWeightedLbConfig === undefined ? "" : "localities by their weights",
  ]).replaceAll(";", ",");
}

function describeSlowStart({ slowStartWindow, aggression, minWeightPercent }: SlowStartConfig): string {
  const shape = aggression === undefined ? "" : `, aggression ${aggression.defaultValue}`;
  const least = minWeightPercent === undefined ? "" : `, from ${minWeightPercent.value}%`;
  return `new endpoints warm up in ${slowStartWindow}${shape}${least}`;
}

/** What a DestinationRule and the mesh say of a cluster's connections, limits and ejection, in words; `""` for nothing. */
export function describeCluster(cluster: Cluster): string {
  const { outlierDetection, commonLbConfig } = cluster;
  const panic = commonLbConfig?.healthyPanicThreshold?.value ?? 0;
  return joined([
    describeLimits(cluster),
    describeConnections(cluster),
    describeTls(cluster),
    outlierDetection === undefined ? "" : describeEjection(outlierDetection, factsOf(cluster).errorCodes),
    panic === 0 ? "" : `all endpoints take calls while fewer than ${panic}% are healthy`,
  ]);
}

function factsOf({ metadata }: Cluster) {
  return metadata.filterMetadata[TRESTLE_METADATA];
}

function describeLimits(cluster: Cluster): string {
  const [limits] = cluster.circuitBreakers?.thresholds ?? [];
  if (limits === undefined) return "";
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries, retryBudget } = limits;
  const window = factsOf(cluster).retryWindow;
  const share = `${retryBudget?.budgetPercent?.value ?? 20}% of the calls ${window === undefined ? "under way" : `of the last ${window}`}`;
  return joined([
    maxConnections === undefined ? "" : `at most ${maxConnections} connections`,
    maxPendingRequests === undefined ? "" : `at most ${maxPendingRequests} calls waiting`,
    maxRequests === undefined ? "" : `at most ${maxRequests} calls at a time`,
    maxRetries === undefined ? "" : `at most ${maxRetries} retries at a time`,
    retryBudget === undefined ? "" : `retries up to ${share}, ${retryBudget.minRetryConcurrency ?? 3} in any case`,
  ]);
}

function describeConnections({
  connectTimeout,
  typedExtensionProtocolOptions,
  upstreamConnectionOptions,
}: Cluster): string {
  const { commonHttpProtocolOptions: common = {}, explicitHttpConfig } =
    typedExtensionProtocolOptions?.[HTTP_PROTOCOL_OPTIONS] ?? {};
  const { idleTimeout, maxConnectionDuration, maxRequestsPerConnection } = common;
  const streams = explicitHttpConfig?.http2ProtocolOptions?.maxConcurrentStreams;
  const wait = upstreamConnectionOptions?.tcpKeepalive?.keepaliveTime;
  return joined([
    connectTimeout === undefined ? "" : `connected within ${connectTimeout}`,
    idleTimeout === undefined ? "" : `closed after ${idleTimeout} without calls`,
    maxConnectionDuration === undefined ? "" : `closed after ${maxConnectionDuration}`,
    maxRequestsPerConnection === undefined ? "" : `closed after ${maxRequestsPerConnection} calls`,
    streams === undefined ? "" : `at most ${streams} calls a connection at a time`,
    wait === undefined ? "" : `TCP keepalive after ${wait}s`,
  ]);
}

function describeTls({ transportSocket, transportSocketMatches = [] }: Cluster): string {
  const [match] = transportSocketMatches;
  return joined([
    match === undefined ? "" : `${socketWords(match.transportSocket)} to endpoints that take it`,
    transportSocket === undefined ? "" : socketWords(transportSocket),
  ]);
}

function socketWords({ typedConfig }: TransportSocket): string {
  if (typedConfig === undefined) return "plain text";
  const { commonTlsContext: context, sni } = typedConfig;
  const isMutual = (context.tlsCertificates ?? context.tlsCertificateSdsSecretConfigs ?? []).length > 0;
  return `${isMutual ? "mutual TLS" : "TLS"}${sni === undefined ? "" : `, asking for ${sni}`}${namesWords(context)}`;
}

function namesWords({ validationContext, combinedValidationContext }: CommonTlsContext): string {
  const asked = combinedValidationContext?.defaultValidationContext ?? validationContext;
  if (asked?.trustChainVerification === "ACCEPT_UNTRUSTED") return ", whatever certificate is shown";
  const names = (asked?.matchTypedSubjectAltNames ?? []).flatMap(({ matcher }) => matcher.exact ?? []);
  return names.length === 0 ? "" : `, of ${names.length > 3 ? `${names.length} names` : names.join(" or ")}`;
}

/** What is not said is Envoy's; a count whose chance is 0 is off. */
function describeEjection(detection: OutlierDetection, codes: readonly number[] | undefined): string {
  const { consecutive5xx = 5, consecutiveGatewayFailure = 5, consecutiveLocalOriginFailure = 5 } = detection;
  const { enforcingConsecutive5xx = 100, enforcingConsecutiveGatewayFailure = 0 } = detection;
  const {
    splitExternalLocalOriginErrors: isSplit = false,
    baseEjectionTime = "30s",
    maxEjectionPercent = 10,
  } = detection;
  const counts = [
    enforcingConsecutive5xx > 0 ? `${consecutive5xx} ${codes === undefined ? "errors" : `of ${codes.join(", ")}`}` : "",
    enforcingConsecutiveGatewayFailure > 0 ? `${consecutiveGatewayFailure} gateway errors` : "",
    isSplit ? `${consecutiveLocalOriginFailure} failures to connect` : "",
  ].filter((text) => text !== "");
  if (counts.length === 0) return "";
  return `ejected after ${counts.join(" or ")} in a row for ${baseEjectionTime} and longer each time, ${maxEjectionPercent}% of all at most`;
}

function joined(parts: readonly string[]): string {
  return parts.filter((text) => text !== "").join("; ");
}
