import type { Cluster, OutlierDetection } from "../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { durationMs } from "../../codecs/xds/duration.ts";

/** So many failures one after the other eject a provider; `chance` of 1 is how often that is done. */
export interface Consecutive {
  readonly count: number;
  readonly chance: number;
}

/** Outlier detection of a cluster, compiled; what is switched off is undefined. */
export interface OutlierPlan {
  /** Answers that count as errors, and lost calls and time-outs where those are not split off. */
  readonly errors: Consecutive | undefined;
  /** The same of 502, 503 and 504 alone. */
  readonly gatewayErrors: Consecutive | undefined;
  /** Lost calls, time-outs and connections that could not be made, apart from answers; undefined: they count as 503 and 504. */
  readonly localErrors: Consecutive | "off" | undefined;
  /** Whether an answer with this HTTP code is an error. */
  readonly isError: (code: number) => boolean;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** Of 1. */
  readonly maxEjected: number;
  readonly alwaysEjectsOne: boolean;
  /** The same for plans that say the same: who was ejected by other numbers is not any more. */
  readonly key: string;
}

/** Compiles a cluster's outlier detection, with Envoy's defaults; undefined where it has none. */
export function compileOutlier({ outlierDetection, metadata }: Cluster): OutlierPlan | undefined {
  if (outlierDetection === undefined) return undefined;
  const { errorCodes } = metadata.filterMetadata[TRESTLE_METADATA];
  const own = new Set(errorCodes);
  const baseEjectionMs = durationMs(outlierDetection.baseEjectionTime) ?? 30_000;
  return {
    errors: consecutive(outlierDetection.consecutive5xx, outlierDetection.enforcingConsecutive5xx ?? 100),
    gatewayErrors: consecutive(
      outlierDetection.consecutiveGatewayFailure,
      outlierDetection.enforcingConsecutiveGatewayFailure ?? 0,
    ),
    localErrors: localErrors(outlierDetection),
    isError: errorCodes === undefined ? (code) => code >= 500 : (code) => own.has(code),
    intervalMs: durationMs(outlierDetection.interval) ?? 10_000,
    baseEjectionMs,
    maxEjectionMs: Math.max(baseEjectionMs, durationMs(outlierDetection.maxEjectionTime) ?? 300_000),
    maxEjected: (outlierDetection.maxEjectionPercent ?? 10) / 100,
    alwaysEjectsOne: outlierDetection.alwaysEjectOneHost === true,
    key: JSON.stringify([outlierDetection, errorCodes]),
  };
}

function localErrors(detection: OutlierDetection): OutlierPlan["localErrors"] {
  if (detection.splitExternalLocalOriginErrors !== true) return undefined;
  const { consecutiveLocalOriginFailure, enforcingConsecutiveLocalOriginFailure: chance = 100 } = detection;
  return consecutive(consecutiveLocalOriginFailure, chance) ?? "off";
}

/** Envoy's count where none is said. */
const FAILURES = 5;

function consecutive(count = FAILURES, percent: number): Consecutive | undefined {
  return count > 0 && percent > 0 ? { count, chance: percent / 100 } : undefined;
}
