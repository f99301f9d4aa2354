import { expect, test } from "vitest";
import type { ProxyContext, ProxyCounters } from "../../../src/bridge-proxy/context.ts";
import { Copies, MAX_COPY_BYTES } from "../../../src/bridge-proxy/copies.ts";
import { Mirrors } from "../../../src/bridge-proxy/policies/mirror.ts";
import type { CompiledRoute } from "../../../src/bridge-proxy/route.ts";

const all = [{ share: 1, route: { name: "shadow" } as CompiledRoute }];

function create(maxExchangeBytes = 2 ** 30) {
  const counters = { mirrored: 0, mirrorFailures: 0, mirrorsDropped: 0 } as ProxyCounters;
  const context = {
    mirrors: new Mirrors(counters, 10),
    random: () => 0,
    exchangeBytes: 0,
    limits: { maxExchangeBytes },
  } as unknown as ProxyContext;
  const made: string[] = [];
  const copies = new Copies(context, all, ({ name }, body) => made.push(`${name} ${body.toString("latin1")}`));
  return { context, counters, copies, made };
}

test("a copy is made of all pieces when the request is whole, once", () => {
  const { context, copies, made } = create();
  const lent = Buffer.from("ab");
  copies.take(lent);
  lent.fill(0);
  copies.take(Buffer.from("c"));
  expect([made, context.exchangeBytes]).toEqual([[], 3]);
  copies.end();
  copies.end();
  copies.drop();
  expect([made, context.exchangeBytes]).toEqual([["shadow abc"], 0]);
});

test("a request that is too large, or that is not finished, has none", () => {
  for (const [size, limit] of [
    [MAX_COPY_BYTES + 1, 2 ** 30],
    [100, 100],
  ] as const) {
    const { context, copies, counters, made } = create(limit);
    copies.take(Buffer.alloc(size));
    copies.end();
    expect([made, context.exchangeBytes, counters.mirrorsDropped]).toEqual([[], 0, 1]);
  }
  const { copies, counters, made } = create();
  copies.drop();
  copies.take(Buffer.alloc(1));
  copies.end();
  expect([made, counters]).toEqual([[], { mirrored: 0, mirrorFailures: 0, mirrorsDropped: 1 }]);
});
