import { expect, test } from "vitest";
import { DEADLINE_CALLER, DEADLINE_ROUTE } from "../../../../src/bridge-proxy/call-table.ts";
import { tryDeadline } from "../../../../src/bridge-proxy/policies/try-deadline.ts";
import type { CompiledRoute } from "../../../../src/bridge-proxy/route.ts";

const never = Number.POSITIVE_INFINITY;

test.each<[string, number, number, number, number, number]>([
  ["nothing bounds it", 0, never, never, never, DEADLINE_ROUTE],
  ["the rule's time-out", 0, 500, 900, 500, DEADLINE_ROUTE],
  ["the time-out of a try", 300, 500, 900, 400, DEADLINE_ROUTE],
  ["the rule's time-out before that of a try", 450, 500, 900, 500, DEADLINE_ROUTE],
  ["the caller's own", 300, 500, 200, 200, DEADLINE_CALLER],
])("%s", (_, perTryTimeoutMs, routeDeadlineMs, callerDeadlineMs, deadlineMs, deadlineKind) => {
  const route = { retry: { perTryTimeoutMs } } as CompiledRoute;
  expect(tryDeadline({ route, nowMs: 100, routeDeadlineMs, callerDeadlineMs })).toEqual({ deadlineMs, deadlineKind });
});
