import type { SlowStartConfig } from "../../codecs/xds/cluster.ts";
import { durationMs } from "../../codecs/xds/duration.ts";

/** How the share of a new endpoint grows. */
export interface SlowStart {
  readonly windowMs: number;
  readonly aggression: number;
  /** Of 1. */
  readonly leastShare: number;
}

/** Envoy's default for `minWeightPercent`, of 1. */
const LEAST_SHARE = 0.1;

/** Compiles what a cluster says; undefined where nothing is to grow. */
export function compileSlowStart(config: SlowStartConfig | undefined): SlowStart | undefined {
  const windowMs = durationMs(config?.slowStartWindow) ?? 0;
  if (config === undefined || !(windowMs > 0)) return undefined;
  const aggression = config.aggression?.defaultValue ?? 1;
  const percent = config.minWeightPercent?.value;
  return {
    windowMs,
    aggression: aggression > 0 ? aggression : 1,
    leastShare: percent === undefined ? LEAST_SHARE : Math.min(1, Math.max(0, percent / 100)),
  };
}

/** The share of its weight that an endpoint has so long after it came: Envoy's formula, time^(1 / aggression), at least the least. */
export function slowStartShare({ windowMs, aggression, leastShare }: SlowStart, ageMs: number): number {
  if (ageMs >= windowMs) return 1;
  return Math.max(leastShare, (Math.max(1, ageMs) / windowMs) ** (1 / aggression));
}
