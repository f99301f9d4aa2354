import { expect, test } from "vitest";
import type { Stat } from "../../../../../src/codecs/zookeeper/records.ts";
import { Listings } from "../../../../../src/registry-sync/facades/zookeeper/listings.ts";
import { replyPacket } from "../../../../../src/registry-sync/facades/zookeeper/packets.ts";
import { ANYBODY, withSpeech } from "../../../../../src/registry-sync/present/asker.ts";
import { createPresentContext } from "../../../../../src/registry-sync/present/context.ts";
import type { Passed } from "../../../../../src/registry-sync/present/present.ts";
import { IFACE, PROVIDERS, PROXIES, providerName } from "../../../../support/facade-link.ts";

const directory = { kind: "providers", path: PROVIDERS, name: IFACE } as const;
const context = createPresentContext({ addresses: PROXIES });

function packet(children: readonly string[], cversion: number, czxid = 5n): Uint8Array {
  const stat: Stat = {
    czxid,
    mzxid: czxid,
    ctime: 0n,
    mtime: 0n,
    version: 0,
    cversion,
    aversion: 0,
    ephemeralOwner: 0n,
    dataLength: 0,
    numChildren: children.length,
    pzxid: 9n,
  };
  return replyPacket({ xid: 1, zxid: 9n, err: 0 }, { op: "getChildren2", children, stat });
}

test("the same state of a directory gives the same listing to every session", () => {
  const listings = new Listings(() => {});
  const first = listings.read(directory, packet([providerName("10.0.0.2")], 1), context, ANYBODY);
  expect(listings.read(directory, packet([providerName("10.0.0.2")], 1), context, ANYBODY)).toBe(first);
});

test("another number of changes, another creation or another context is another listing", () => {
  const listings = new Listings(() => {});
  const first = listings.read(directory, packet([providerName("10.0.0.2")], 1), context, ANYBODY);
  expect(listings.read(directory, packet([], 2), context, ANYBODY).names).toEqual([]);
  expect(listings.read(directory, packet(["x"], 2, 6n), context, ANYBODY).names).toEqual(["x"]);
  const bypass = createPresentContext({ addresses: [] });
  expect([...listings.again(first, bypass, ANYBODY).presented.shown]).toEqual([providerName("10.0.0.2")]);
});

test("names that only events told of are never taken for a state of the registry", () => {
  const listings = new Listings(() => {});
  const first = listings.read(directory, packet(["a"], 1), context, ANYBODY);
  const derived = listings.derive(first, ["a", "b"], context, ANYBODY);
  expect(derived.held.has("b")).toBe(true);
  listings.again(derived, createPresentContext({ addresses: [] }), ANYBODY);
  expect(listings.read(directory, packet(["a"], 1), context, ANYBODY).names).toEqual(["a"]);
});

test("what passes with a reason is told", () => {
  const passed: Passed[] = [];
  new Listings((one) => passed.push(one)).read(directory, packet(["rubbish"], 1), context, ANYBODY);
  expect(passed).toEqual([{ name: "rubbish", reason: "url has no protocol", at: IFACE }]);
});

test("sessions that need other protocols have listings of their own, each shared by all of their kind", () => {
  const both = createPresentContext({ addresses: PROXIES, triAddresses: ["10.0.0.9:50051"] });
  const asker = { unled: [], speaks: withSpeech(ANYBODY.speaks, "tri") };
  const listings = new Listings(() => {});
  const bytes = packet([providerName("10.0.0.2")], 1);
  const plain = listings.read(directory, bytes, both, ANYBODY);
  const bridged = listings.read(directory, bytes, both, asker);
  expect([plain.presented.shown.size, bridged.presented.shown.size]).toEqual([2, 3]);
  expect(listings.read(directory, bytes, both, ANYBODY)).toBe(plain);
  expect(listings.read(directory, bytes, both, { ...asker })).toBe(bridged);
  expect(listings.again(plain, both, asker).presented.shown).toEqual(bridged.presented.shown);
});
