import { expect, test } from "vitest";
import type { CompiledRoute, HostDecision } from "../../../../src/bridge-proxy/route.ts";
import type { TripleLane } from "../../../../src/bridge-proxy/triple/lanes.ts";
import { laneOfCopy, NOBODY, NowhereStream } from "../../../../src/bridge-proxy/triple/nowhere.ts";

test("nobody's stream takes everything at once, until it is reset", () => {
  const stream = new NowhereStream();
  expect([stream.data(), stream.queuedBytes, stream.requestEnded, stream.closed]).toEqual([0, 0, true, false]);
  stream.reset();
  expect(stream.closed).toBe(true);
  NOBODY.forget({} as never);
});

test("a copy is led by its own route, and its caller's time does not count", () => {
  const lane = { needsMessage: true, callerTimeoutMs: 5, tag: "gray", sent: new Map(), refusal: { reason: "x" } };
  const decision = { method: "get" } as HostDecision;
  const route = { name: "shadow" } as CompiledRoute;
  expect(laneOfCopy(lane as unknown as TripleLane, decision, route)).toEqual({
    needsMessage: false,
    callerTimeoutMs: Number.POSITIVE_INFINITY,
    tag: "gray",
    sent: undefined,
    refusal: undefined,
    decision,
    route,
  });
});
