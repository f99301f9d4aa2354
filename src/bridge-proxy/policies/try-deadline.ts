import { DEADLINE_CALLER, DEADLINE_ROUTE } from "../call-table.ts";
import type { CompiledRoute } from "../route.ts";

/** When a try ends at the latest, and who is told; see the columns of the call table. */
export interface TryDeadline {
  /** Monotonic ms; Infinity for no bound. */
  readonly deadlineMs: number;
  readonly deadlineKind: number;
}

/** What bounds a try; all times monotonic ms. */
export interface TryBounds {
  readonly route: CompiledRoute;
  readonly nowMs: number;
  /** When the call's time by its rule is over. */
  readonly routeDeadlineMs: number;
  /** When its caller stops waiting. */
  readonly callerDeadlineMs: number;
}

/** The earliest of the rule's time-out, its time-out for each try, and the caller's own. */
export function tryDeadline({ route, nowMs, routeDeadlineMs, callerDeadlineMs }: TryBounds): TryDeadline {
  const perTryMs = route.retry?.perTryTimeoutMs ?? 0;
  const ownMs = Math.min(routeDeadlineMs, perTryMs > 0 ? nowMs + perTryMs : Number.POSITIVE_INFINITY);
  return {
    deadlineMs: Math.min(ownMs, callerDeadlineMs),
    deadlineKind: ownMs <= callerDeadlineMs ? DEADLINE_ROUTE : DEADLINE_CALLER,
  };
}
