import { describe, expect, test } from "vitest";
import { HostLimits, LimitMemory } from "../../../../src/bridge-proxy/policies/limits.ts";
import { globalLimit, limitedHost } from "../../../support/limits.ts";

const gold = (name: string) => (name === "level" ? "gold" : undefined);
const none = () => undefined;
const call = (method: string, header: (name: string) => string | undefined = none) => ({
  interface: "com.acme.A",
  method,
  header,
});

function passed(limits: HostLimits, one: ReturnType<typeof call>, count = 10, nowMs = 0): number {
  return Array.from({ length: count }, () => limits.take(one, nowMs)).filter(Boolean).length;
}

describe("local limits", () => {
  test("the first condition that a call meets counts it, the service's own bucket all others", () => {
    const limits = new HostLimits(limitedHost(), 1);
    expect(passed(limits, call("create", gold))).toBe(2);
    expect(passed(limits, call("create"))).toBe(4);
    expect(passed(limits, call("find", gold))).toBe(0);
    expect(passed(limits, call("create", gold), 10, 1_000)).toBe(1);
    expect(passed(limits, call("find"), 10, 1_000)).toBe(4);
  });

  test("of a call that is only carried no condition holds", () => {
    const unread = () => {
      throw new Error("not read");
    };
    expect(passed(new HostLimits(limitedHost(), 1), call("", unread))).toBe(4);
  });

  test("a condition is met by one of several lines of a header", () => {
    const joined = (name: string) => (name === "level" ? "tin,gold" : undefined);
    const lines = (name: string) => (name === "level" ? ["tin", "gold"] : []);
    const limits = new HostLimits(limitedHost(), 1);
    expect(passed(limits, { ...call("create", joined), ...{ lines } })).toBe(2);
    expect(passed(limits, call("create", joined))).toBe(4);
  });

  test("each of two workers lets half through; what one takes alone is not shared", () => {
    expect(passed(new HostLimits(limitedHost(), 2), call("find"))).toBe(2);
    expect(passed(new HostLimits(limitedHost(), 2), { ...call("find"), ...{ isAlone: true } })).toBe(4);
  });

  test("without a bucket calls that meet no condition are not bounded", () => {
    const { typedPerFilterConfig, ...host } = limitedHost();
    const { tokenBucket: _, ...local } = typedPerFilterConfig!["envoy.filters.http.local_ratelimit"]!;
    const limits = new HostLimits(
      { ...host, typedPerFilterConfig: { "envoy.filters.http.local_ratelimit": local } },
      1,
    );
    expect(passed(limits, call("find"), 1_000)).toBe(1_000);
    expect(passed(limits, call("create", gold))).toBe(2);
  });
});

describe("global limits", () => {
  const property = (headerName: string, descriptorKey: string) => ({ requestHeaders: { headerName, descriptorKey } });
  const asking = (actions: Parameters<typeof globalLimit>[0]) => new HostLimits(globalLimit(actions, true), 1);

  test("what is asked has the call's properties in order", () => {
    const limits = asking([property("method", "m"), property("interface", "i"), property("level", "l")]);
    expect(limits.question(call("create", gold))).toMatchObject({
      cluster: "outbound|8081||limits",
      domain: "orders",
      entries: [
        ["m", "create"],
        ["i", "com.acme.A"],
        ["l", "gold"],
      ],
      timeoutMs: 100,
      deny: true,
    });
    expect(limits.take(call("create"), 0)).toBe(true);
  });

  test.each([
    ["lacks a property", call("create")],
    ["is only carried", call("", gold)],
  ])("a call that %s is not asked for", (_, one) => {
    expect(asking([property("level", "l")]).question(one)).toBeUndefined();
  });

  test("a condition before the properties makes no entry", () => {
    const headers = [{ name: ":path", stringMatch: { exact: "/com.acme.A/create" } }];
    const limits = asking([{ headerValueMatch: { descriptorValue: "match", headers } }, property("method", "m")]);
    expect(limits.question(call("create"))?.entries).toEqual([["m", "create"]]);
    expect(limits.question(call("find"))).toBeUndefined();
  });
});

describe("the memory of limits", () => {
  test("a bucket stays as full as it is while nothing is said anew of it", () => {
    const memory = new LimitMemory();
    const limits = memory.of("dubbo", limitedHost())!;
    memory.turn(1);
    expect(memory.of("dubbo", limitedHost())).toBe(limits);
    expect(memory.of("dubbo", limitedHost({ rateLimits: [] }))).not.toBe(limits);
    expect(memory.of("other", limitedHost())).not.toBe(limits);
    expect(memory.of("dubbo", { name: "x", domains: [], routes: [] })).toBeUndefined();
  });

  test("what nobody asks for is forgotten many turns later, and all of it when the workers are others", () => {
    const memory = new LimitMemory();
    const limits = memory.of("dubbo", limitedHost())!;
    for (let i = 0; i < 100; i++) memory.turn(1);
    expect(memory.of("dubbo", limitedHost())).toBe(limits);
    for (let i = 0; i <= 100; i++) memory.turn(1);
    const next = memory.of("dubbo", limitedHost())!;
    expect(next).not.toBe(limits);
    memory.turn(2);
    expect(memory.of("dubbo", limitedHost())).not.toBe(next);
  });
});
