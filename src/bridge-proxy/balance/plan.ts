import type { Cluster } from "../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { createConsistent } from "./consistent.ts";
import { buildMaglev, buildRing } from "./hash-table.ts";
import { type Choose, createLeastRequest, createPeakEwma, createRandom, createRoundRobin } from "./policies.ts";
import { compileSlowStart, type SlowStart } from "./slow-start.ts";

/** How a cluster's calls are spread, compiled. */
export interface BalancePlan {
  /** Makes the chooser of one group of endpoints. */
  readonly create: () => Choose;
  /** Calls ask for the endpoint of their hash: one that is not connected is connected to, and another one not preferred. */
  readonly isConsistent: boolean;
  /** Answers are timed. */
  readonly timesAnswers: boolean;
  readonly slowStart: SlowStart | undefined;
  readonly weighsLocalities: boolean;
  /** All endpoints take calls while a smaller share than this is healthy; of 1. */
  readonly panicBelow: number;
}

/** Compiles what a cluster says of balancing. */
export function compileBalance(cluster: Cluster): BalancePlan {
  const { lbPolicy, commonLbConfig } = cluster;
  const timesAnswers = cluster.metadata.filterMetadata[TRESTLE_METADATA].balancer === "PEAK_EWMA";
  return {
    create: timesAnswers ? createPeakEwma : creatorOf(cluster),
    isConsistent: !timesAnswers && (lbPolicy === "RING_HASH" || lbPolicy === "MAGLEV"),
    timesAnswers,
    slowStart: compileSlowStart(slowStartOf(cluster)),
    weighsLocalities: commonLbConfig?.localityWeightedLbConfig !== undefined,
    panicBelow: (commonLbConfig?.healthyPanicThreshold?.value ?? 0) / 100,
  };
}

function creatorOf({ lbPolicy, ringHashLbConfig, maglevLbConfig }: Cluster): () => Choose {
  switch (lbPolicy) {
    case "RANDOM":
      return createRandom;
    case "ROUND_ROBIN":
      return createRoundRobin;
    case "LEAST_REQUEST":
      return createLeastRequest;
    case "RING_HASH":
      return () => createConsistent((members) => buildRing(members, ringHashLbConfig));
    case "MAGLEV":
      return () => createConsistent((members) => buildMaglev(members, maglevLbConfig?.tableSize));
    default:
      lbPolicy satisfies never;
      return createRandom;
  }
}

function slowStartOf({ lbPolicy, leastRequestLbConfig, roundRobinLbConfig }: Cluster) {
  if (lbPolicy === "LEAST_REQUEST") return leastRequestLbConfig?.slowStartConfig;
  return lbPolicy === "ROUND_ROBIN" ? roundRobinLbConfig?.slowStartConfig : undefined;
}
