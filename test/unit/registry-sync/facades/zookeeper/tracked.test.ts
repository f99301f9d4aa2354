import { describe, expect, test } from "vitest";
import { EVENT_TYPES } from "../../../../../src/codecs/zookeeper/constants.ts";
import { packetBody } from "../../../../../src/codecs/zookeeper/frame.ts";
import { decodeEvent } from "../../../../../src/codecs/zookeeper/replies.ts";
import { type Listing, Listings } from "../../../../../src/registry-sync/facades/zookeeper/listings.ts";
import {
  type Moment,
  settle,
  settleNodes,
  Tracked,
} from "../../../../../src/registry-sync/facades/zookeeper/tracked.ts";
import { ANYBODY } from "../../../../../src/registry-sync/present/asker.ts";
import { createPresentContext } from "../../../../../src/registry-sync/present/context.ts";
import { IFACE, PROVIDERS, providerName } from "../../../../support/facade-link.ts";

const directory = { kind: "providers", path: PROVIDERS, name: IFACE } as const;
const led = createPresentContext({ addresses: ["10.0.0.9:20880"] });
const other = createPresentContext({ addresses: ["10.0.0.9:20881"] });
const listings = new Listings(() => {});
const provider = providerName("10.0.0.2");
const one = make([provider]);
const [proxy = ""] = one.presented.shown;

function make(names: readonly string[], context = led): Listing {
  return listings.make(directory, names, undefined, context, ANYBODY);
}

function tracked(shown: Listing | undefined): Tracked {
  const made = new Tracked(directory);
  made.listing = shown;
  made.presented = shown?.presented;
  return made;
}

function told(packets: readonly Uint8Array[]): string[] {
  return packets.map((packet) => {
    const { type, path } = decodeEvent(packetBody(packet)).event;
    const name = Object.entries(EVENT_TYPES).find(([, code]) => code === type)?.[0];
    const [, at = ""] = decodeURIComponent(path.slice(PROVIDERS.length + 1)).split("://");
    return `${name} ${at.split("/")[0]}`.trim();
  });
}

describe("what a client is told when what is shown goes from one state to another", () => {
  test("an armed list watch once, and it is off then", () => {
    const at = tracked(make([]));
    at.arm();
    expect(told(settle(at, at.moment(), one, "registry", false))).toEqual(["childrenChanged"]);
    expect(at.armed).toBe(false);
    expect(told(settle(at, at.moment(), make([]), "registry", false))).toEqual([]);
  });

  test("nothing where the same is shown, and the watch stands", () => {
    const at = tracked(one);
    at.arm();
    expect(settle(at, at.moment(), make([providerName("10.0.0.3")]), "registry", false)).toEqual([]);
    expect(at.armed).toBe(true);
  });

  test("a watch that was set again after the event stays on", () => {
    const at = tracked(make([]));
    at.arm();
    const moment = at.moment();
    at.arm();
    expect(told(settle(at, moment, one, "registry", false))).toEqual(["childrenChanged"]);
    expect(at.armed).toBe(true);
  });

  test("a watch that has fired meanwhile does not fire for the older event", () => {
    const at = tracked(make([]));
    at.arm();
    const moment = at.moment();
    at.armed = false;
    expect(settle(at, moment, one, "registry", false)).toEqual([]);
  });

  test("a persistent one each time", () => {
    const at = tracked(make([]));
    at.persistent = true;
    expect(told(settle(at, at.moment(), one, "registry", false))).toEqual(["childrenChanged"]);
    expect(told(settle(at, at.moment(), make([]), "registry", false))).toEqual(["childrenChanged"]);
  });

  test("the unknown counts as a change", () => {
    const at = tracked(undefined);
    at.arm();
    expect(told(settle(at, at.moment(), one, "registry", false))).toEqual(["childrenChanged"]);
  });

  test("a recursive watch hears of new names before those that go", () => {
    const at = tracked(one);
    expect(told(settle(at, at.moment(), make([provider], other), "context", true))).toEqual([
      "created 10.0.0.9:20881",
      "deleted 10.0.0.9:20880",
    ]);
  });

  test("real names are the server's to tell, unless only the context changed", () => {
    const tri = providerName("10.0.0.5", "", "tri");
    const at = tracked(one);
    expect(settle(at, at.moment(), make([provider, tri]), "registry", true)).toEqual([]);
    const away = createPresentContext({ addresses: [] });
    const before = tracked(one);
    expect(told(settle(before, before.moment(), make([provider], away), "context", true))).toEqual([
      "created 10.0.0.2:20880",
      "deleted 10.0.0.9:20880",
    ]);
  });

  test("watches on single names once, persistent ones each time", () => {
    const at = tracked(one);
    at.nodes.set(proxy, { kind: "virtual", persistent: false });
    expect(told(settle(at, at.moment(), make([]), "registry", false))).toEqual(["deleted 10.0.0.9:20880"]);
    expect(at.nodes.size).toBe(0);
    at.nodes.set(proxy, { kind: "absent", persistent: true });
    expect(told(settle(at, at.moment(), one, "registry", false))).toEqual(["created 10.0.0.9:20880"]);
    expect(told(settle(at, at.moment(), make([]), "registry", false))).toEqual(["deleted 10.0.0.9:20880"]);
  });

  test("beliefs alone are put right by settleNodes", () => {
    const at = tracked(undefined);
    at.nodes.set(proxy, { kind: "absent", persistent: false });
    at.nodes.set("gone", { kind: "virtual", persistent: false });
    at.nodes.set("own", { kind: "own", persistent: false });
    expect(settleNodes(at, one)).toHaveLength(2);
    expect([...at.nodes.keys()]).toEqual(["own"]);
  });
});

describe("events that are not judged yet", () => {
  test("start from what came of the one before", () => {
    const at = tracked(make([]));
    const first: Moment = at.opened(led);
    const second: Moment = at.opened(led);
    expect(at.judged(first, one.presented)).toBe(false);
    expect(second.presented).toBe(one.presented);
  });

  test("but not when the client has read since", () => {
    const at = tracked(make([]));
    const first = at.opened(led);
    at.presented = one.presented;
    const second = at.opened(led);
    at.judged(first, make([]).presented);
    expect(second.presented).toBe(one.presented);
  });

  test("hold a new context, which is told behind the last of them", () => {
    const at = tracked(one);
    expect(at.holdsContext()).toBe(false);
    const [first, second] = [at.opened(led), at.opened(led)];
    expect(at.holdsContext()).toBe(true);
    expect(at.judged(first, one.presented)).toBe(false);
    expect(at.judged(second, one.presented)).toBe(true);
    expect(at.holdsContext()).toBe(false);
  });
});

test("a directory that nobody watches any more is idle", () => {
  const at = tracked(one);
  expect(at.idle).toBe(true);
  at.nodes.set("x", { kind: "real", persistent: false });
  expect([at.idle, at.watchesShadows, at.needsChildren]).toEqual([false, false, false]);
  at.nodes.set("y", { kind: "virtual", persistent: false });
  expect([at.watchesShadows, at.needsChildren]).toEqual([true, true]);
});
