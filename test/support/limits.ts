import {
  CONDITION_KEY,
  GLOBAL_LIMIT_FILTER,
  GLOBAL_LIMIT_TYPE,
  GLOBAL_STAGE,
  LOCAL_LIMIT_FILTER,
  LOCAL_STAGE,
  type RateLimit,
} from "../../src/codecs/xds/rate-limit.ts";
import type { VirtualHost } from "../../src/codecs/xds/route.ts";

/** A virtual host that lets 4 calls through each second, and 2 of `create` by gold callers. */
export function limitedHost(more: Partial<VirtualHost> = {}): VirtualHost {
  const headers = [
    { name: ":path", stringMatch: { exact: "/com.acme.A/create" } },
    { name: "level", stringMatch: { exact: "gold" } },
  ];
  return {
    name: "com.acme.a",
    domains: ["com.acme.a", "com.acme.A"],
    routes: [],
    typedPerFilterConfig: {
      [LOCAL_LIMIT_FILTER]: {
        statPrefix: "trestle",
        stage: LOCAL_STAGE,
        tokenBucket: { maxTokens: 4, tokensPerFill: 4, fillInterval: "1s" },
        descriptors: [
          {
            entries: [{ key: CONDITION_KEY, value: "r/0" }],
            tokenBucket: { maxTokens: 2, tokensPerFill: 1, fillInterval: "1s" },
          },
        ],
        alwaysConsumeDefaultTokenBucket: false,
      },
    },
    rateLimits: [{ stage: LOCAL_STAGE, actions: [{ headerValueMatch: { descriptorValue: "r/0", headers } }] }],
    ...more,
  };
}

/** What makes a virtual host ask a rate limit service of the cluster `outbound|8081||limits`. */
export function globalLimit(
  actions: RateLimit["actions"],
  deny = false,
): Pick<VirtualHost, "typedPerFilterConfig" | "rateLimits"> {
  return {
    typedPerFilterConfig: {
      [GLOBAL_LIMIT_FILTER]: {
        "@type": GLOBAL_LIMIT_TYPE,
        domain: "orders",
        stage: GLOBAL_STAGE,
        timeout: "0.1s",
        failureModeDeny: deny,
        rateLimitService: {
          grpcService: { envoyGrpc: { clusterName: "outbound|8081||limits" } },
          transportApiVersion: "V3",
        },
      },
    },
    rateLimits: [{ stage: GLOBAL_STAGE, actions }],
  };
}
