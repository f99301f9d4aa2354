import { expect, test } from "vitest";
import { type Cluster, HTTP_PROTOCOL_OPTIONS } from "../../../../../src/codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../../../../src/codecs/xds/core.ts";
import { envoyCluster } from "../../../../../src/control/compile/envoy/clusters.ts";
import { clusterOf } from "../../../../support/xds-fixtures.ts";

test("a cluster has Istio's defaults, and nothing that Trestle alone reads", () => {
  const made = envoyCluster(clusterOf("com.acme.A"), { name: "n", spoken: "dubbo" });
  expect(made).toEqual({
    name: "n",
    type: "EDS",
    edsClusterConfig: { edsConfig: { ads: {}, resourceApiVersion: "V3" } },
    connectTimeout: "10s",
    lbPolicy: "RANDOM",
    commonLbConfig: { healthyPanicThreshold: {} },
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: 4294967295,
          maxPendingRequests: 4294967295,
          maxRequests: 4294967295,
          maxRetries: 4294967295,
          trackRemaining: true,
        },
      ],
    },
  });
});

test("a rule's limit stands in the place of none, and what else it says is passed on", () => {
  const cluster = {
    ...clusterOf("com.acme.A", "", { maxRequests: 7 }),
    connectTimeout: "1s",
    outlierDetection: { interval: "3s" },
  };
  expect(envoyCluster(cluster as Cluster, { name: "n", spoken: "http" })).toMatchObject({
    connectTimeout: "1s",
    outlierDetection: { interval: "3s" },
    circuitBreakers: { thresholds: [{ maxRequests: 7, maxConnections: 4294967295 }] },
  });
});

test("the time that a retry budget is counted over stands beside its share", () => {
  const retryBudget = { budgetPercent: { value: 10 } };
  const cluster: Cluster = { ...clusterOf("com.acme.A"), circuitBreakers: { thresholds: [{ retryBudget }] } };
  const own = { ...cluster.metadata.filterMetadata[TRESTLE_METADATA], retryWindow: "2s" };
  const timed = { ...cluster, metadata: { filterMetadata: { [TRESTLE_METADATA]: own } } };
  expect(envoyCluster(timed, { name: "n", spoken: "http" })).toMatchObject({
    circuitBreakers: { thresholds: [{ retryBudget: { ...retryBudget, budgetInterval: "2s" } }] },
  });
});

test("a rule's error codes are those that an Envoy ejects providers of HTTP for", () => {
  const matcherOf = (errorCodes: readonly number[], spoken: "http" | "tri") => {
    const cluster = clusterOf("com.acme.A");
    const own = { ...cluster.metadata.filterMetadata[TRESTLE_METADATA], errorCodes };
    const coded = { ...cluster, metadata: { filterMetadata: { [TRESTLE_METADATA]: own } } };
    const made = envoyCluster(coded, { name: "n", spoken })["typedExtensionProtocolOptions"];
    return (made as Record<string, { outlierDetection?: object }>)[HTTP_PROTOCOL_OPTIONS];
  };
  const matcher = (regex: string) => ({
    outlierDetection: {
      errorMatcher: {
        httpResponseHeadersMatch: { headers: [{ name: ":status", stringMatch: { safeRegex: { regex } } }] },
      },
    },
  });
  expect(matcherOf([429, 503], "http")).toMatchObject({ explicitHttpConfig: {}, ...matcher("429|503") });
  expect(matcherOf([429], "tri")).not.toHaveProperty("outlierDetection");
});

test("providers of Triple and gRPC are spoken to in HTTP/2", () => {
  const options = (spoken: "tri" | "http") =>
    envoyCluster(clusterOf("com.acme.A"), { name: "n", spoken })["typedExtensionProtocolOptions"];
  expect(options("tri")).toMatchObject({
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": { explicitHttpConfig: { http2ProtocolOptions: {} } },
  });
  expect(options("http")).toBeUndefined();
});

test("endpoints by DNS name stand in the cluster", () => {
  const inline = { clusterName: "n", endpoints: [] };
  const made = envoyCluster(clusterOf("com.acme.A"), { name: "n", spoken: "http", inline });
  expect(made).toMatchObject({ type: "STRICT_DNS", loadAssignment: inline });
  expect(made).not.toHaveProperty("edsClusterConfig");
});

test("where rules say something of HTTP, the version stands beside it", () => {
  const options = { commonHttpProtocolOptions: { maxRequestsPerConnection: 9 } };
  const of = (spoken: "tri" | "http") => {
    const name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    const cluster = { ...clusterOf("com.acme.A"), typedExtensionProtocolOptions: { [name]: options } };
    return (
      envoyCluster(cluster as Cluster, { name: "n", spoken }) as {
        typedExtensionProtocolOptions: Record<string, object>;
      }
    ).typedExtensionProtocolOptions[name];
  };
  expect(of("tri")).toEqual({ ...options, explicitHttpConfig: { http2ProtocolOptions: {} } });
  expect(of("http")).toEqual({ ...options, explicitHttpConfig: { httpProtocolOptions: {} } });
});
