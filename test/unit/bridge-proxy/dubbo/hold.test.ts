import { expect, test } from "vitest";
import type { Later } from "../../../../src/bridge-proxy/authz/asked.ts";
import type { CallerPort, ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { CallerWatch } from "../../../../src/bridge-proxy/dubbo/caller-watch.ts";
import { holdForKey, holdUnknown } from "../../../../src/bridge-proxy/dubbo/hold.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { UnknownCalls } from "../../../../src/bridge-proxy/unknown.ts";
import { serviceKey } from "../../../../src/model/service.ts";

function stage(later: Later | undefined, maxCalls = 10) {
  const context = { exchanges: 0, exchangeBytes: 0, nowMs: 0, limits: { maxCalls, maxExchangeBytes: 100 } };
  const watch = new CallerWatch();
  const seen: string[] = [];
  const denial = { reason: "unauthenticated", message: "no key", policy: "Jwt", ...(later && { later }) } as const;
  const hold = (bytes = 60) =>
    holdForKey(
      context as unknown as ProxyContext,
      watch,
      { frame: Buffer.alloc(bytes), denial, caller: "10.0.0.1", timeLeftMs: 1_000 },
      () => seen.push("goes on"),
    );
  return { context, watch, seen, hold };
}

test("a call waits for its token's key, counts meanwhile and goes on then", () => {
  let come = () => {};
  const { context, watch, seen, hold } = stage((timeLeftMs, done) => {
    expect(timeLeftMs).toBe(1_000);
    come = done;
    return () => {};
  });
  expect(hold()).toBe(true);
  expect([context.exchanges, context.exchangeBytes, watch.size]).toEqual([1, 60, 1]);
  expect(hold()).toBe(false);
  come();
  expect(seen).toEqual(["goes on"]);
  expect([context.exchanges, context.exchangeBytes, watch.size]).toEqual([0, 0, 0]);
});

test("its caller's end gives it up", () => {
  let isGivenUp = false;
  const { context, watch, seen, hold } = stage(() => () => {
    isGivenUp = true;
  });
  hold();
  watch.end();
  expect([isGivenUp, seen, context.exchanges, context.exchangeBytes]).toEqual([true, [], 0, 0]);
});

test("what has nothing to wait for, or no room, is not held", () => {
  expect(stage(undefined).hold()).toBe(false);
  expect(stage(() => () => {}, 0).hold()).toBe(false);
});

test("a call to a service that is not known is read anew once it is, and refused where it does not come to be", () => {
  const unknown = new UnknownCalls();
  const context = { unknown, nowMs: 0 } as unknown as ProxyContext;
  let groups = new Set<string>();
  const routes = { decide: () => ({ byGroup: groups }) };
  const seen: string[] = [];
  const hold = () =>
    holdUnknown(
      context,
      () => ({ routes }) as unknown as RuntimeConfig,
      { key: serviceKey("com.acme.A", "g", ""), frame: Buffer.alloc(1) },
      { closed: false } as CallerPort,
      { again: () => seen.push("again"), refuse: () => seen.push("refused") },
    );
  hold();
  unknown.changed();
  unknown.expire(2_000);
  expect(seen).toEqual(["refused"]);
  hold();
  groups = new Set(["g"]);
  unknown.changed();
  expect(seen).toEqual(["refused", "again"]);
});
