import { expect, test } from "vitest";
import { refMsOf, SharedServices } from "../../../../../src/registry-sync/facades/nacos/services.ts";
import { hostOf, leading, PROXY } from "../../../../support/nacos-link.ts";

const NOW_MS = 1_700_000_000_000;
const QUESTION = { groupName: "DEFAULT_GROUP", serviceName: "orders", clusters: "", ownCluster: "" };

test("equal lists are one object, also when they come with another time", () => {
  const services = new SharedServices(() => NOW_MS);
  const a = services.share("s", { hosts: [hostOf("10.0.0.1:80")], lastRefTime: 1 });
  const b = services.share("s", { hosts: [hostOf("10.0.0.1:80")], lastRefTime: 2 });
  const c = services.share("s", { hosts: [hostOf("10.0.0.2:80")], lastRefTime: 3 });
  expect(b).toBe(a);
  expect(c).not.toBe(a);
});

test("what is shown is worked out once for each context and kind of asker", () => {
  const services = new SharedServices(() => NOW_MS);
  const list = services.share("s", { hosts: [hostOf("10.0.0.1:80")] });
  const context = leading(["orders"]);
  const shown = services.shown(list, QUESTION, context, false);
  expect(shown.isChanged).toBe(true);
  expect(shown.text).toContain(PROXY.split(":")[1]);
  expect(services.shown(list, QUESTION, context, false)).toBe(shown);
  expect(services.shown(list, { ...QUESTION, ownCluster: "HZ" }, context, false)).not.toBe(shown);
  const bypassed = leading(["orders"], { bypass: { all: true, services: [] } });
  expect(services.shown(list, QUESTION, bypassed, false)).toMatchObject({ isChanged: false, text: list.text });
  expect(services.shown(list, QUESTION, context, true).hosts).toBe(list.hosts);
});

test("times never go back, and grow where the list is another", () => {
  const services = new SharedServices(() => NOW_MS);
  const refMs = (service: string, text: string, serverMs: number) =>
    services.refMs(service, { text, kind: "" }, serverMs);
  const times = [
    refMs("s", "a", 100),
    refMs("s", "a", 90),
    refMs("s", "b", 90),
    refMs("s", "b", 200),
    refMs("s", "a", 150),
    refMs("other", "a", 5),
  ];
  expect(times).toEqual([100, 100, 101, 200, 201, 5]);
});

test("askers of two kinds in turn do not drive the time ahead, and one who changes kind sees none that is older", () => {
  const services = new SharedServices(() => NOW_MS);
  for (let turn = 0; turn < 100; turn++)
    for (const kind of ["a", "b"]) services.refMs("s", { text: `for ${kind}`, kind }, 500);
  expect(services.refMs("s", { text: "for a", kind: "a" }, 500)).toBe(500);
  expect(services.refMs("s", { text: "for b", kind: "b" }, 500)).toBe(501);
  expect(services.refMs("s", { text: "for c", kind: "c" }, 500)).toBe(502);
});

test("of kinds without end the newest time alone is kept", () => {
  const services = new SharedServices(() => NOW_MS);
  for (let i = 0; i < 1_000; i++) services.refMs("s", { text: "x", kind: `${i}` }, 500);
  expect(services.refMs("s", { text: "x", kind: "another" }, 500)).toBe(1_500);
});

test("a time more than a day ahead is not kept", () => {
  const services = new SharedServices(() => NOW_MS);
  const aDay = 24 * 3_600_000;
  expect(services.refMs("s", { text: "a", kind: "" }, Number.MAX_SAFE_INTEGER)).toBe(NOW_MS + aDay);
  expect(services.refMs("t", { text: "a", kind: "" }, NOW_MS + 5_000)).toBe(NOW_MS + 5_000);
});

test.each([
  ["a number", { lastRefTime: 7 }, 7],
  ["text", { lastRefTime: "8" }, 8],
  ["none", {}, 0],
  ["a negative one", { lastRefTime: -5 }, 0],
])("the time of an object: %s", (_name, info, expected) => {
  expect(refMsOf(info)).toBe(expected);
});
