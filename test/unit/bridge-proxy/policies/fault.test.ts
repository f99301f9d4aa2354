import { expect, test } from "vitest";
import { answerOf, delayOf } from "../../../../src/bridge-proxy/policies/fault.ts";
import type { CompiledRoute, FaultPlan } from "../../../../src/bridge-proxy/route.ts";

function routeOf(fault: Partial<FaultPlan> | undefined, more: Partial<CompiledRoute> = {}): CompiledRoute {
  const none = { delayMs: 0, delayShare: 0, abortShare: 0, abortHttp: undefined, abortGrpc: undefined };
  return { name: "r", directBody: Buffer.alloc(0), ...more, fault: fault && { ...none, ...fault } } as CompiledRoute;
}

test("a delay strikes its share of calls", () => {
  const route = routeOf({ delayMs: 50, delayShare: 0.5 });
  expect([delayOf(route, () => 0.4), delayOf(route, () => 0.5), delayOf(routeOf(undefined), () => 0)]).toEqual([
    50, 0, 0,
  ]);
});

test.each<[string, Partial<FaultPlan>, number, number]>([
  ["an HTTP status", { abortHttp: 503 }, 503, 14],
  ["a gRPC number", { abortGrpc: 5 }, 404, 5],
  ["nothing said", {}, 503, 14],
])("an abort answers its share of calls: %s", (_, fault, http, grpc) => {
  const route = routeOf({ ...fault, abortShare: 0.5 });
  expect(answerOf(route, () => 0.4)).toMatchObject({ answer: { http, grpc }, message: "fault injected by rule r" });
  expect(answerOf(route, () => 0.6)).toBeUndefined();
});

test("a direct response answers the calls that no abort strikes", () => {
  const route = routeOf(undefined, { directStatus: 404, directBody: Buffer.from("gone") });
  expect(answerOf(route, () => 0)).toMatchObject({ answer: { http: 404 }, message: "gone" });
  expect(answerOf({ ...route, directBody: Buffer.alloc(0) }, () => 0)?.message).toBe("direct response of rule r");
});
