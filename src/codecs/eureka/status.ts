/** What an instance says of itself, or an operator over it. Only `UP` ones are given to callers. */
export const EUREKA_STATUSES = ["UP", "DOWN", "STARTING", "OUT_OF_SERVICE", "UNKNOWN"] as const;

/** One of {@link EUREKA_STATUSES}. */
export type EurekaStatus = (typeof EUREKA_STATUSES)[number];

/** Reads a status as Eureka's own classes do: any case; anything else is `UNKNOWN`. */
export function eurekaStatus(text: unknown): EurekaStatus {
  const wanted = typeof text === "string" ? text.trim().toUpperCase() : "";
  return EUREKA_STATUSES.find((status) => status === wanted) ?? "UNKNOWN";
}

/**
 * The `apps__hashcode` over the statuses of all instances: `DOWN_1_UP_2_`, statuses in order of their names; `""` for none.
 * Netflix/eureka eureka-client/…/shared/Applications.java, getReconcileHashCode.
 */
export function appsHashcode(statuses: Iterable<EurekaStatus>): string {
  const counts = new Map<EurekaStatus, number>();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return countedHashcode(counts);
}

/** The same where it is known how many instances have each status; none of them 0. */
export function countedHashcode(counts: ReadonlyMap<EurekaStatus, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, count]) => `${status}_${count}_`)
    .join("");
}
