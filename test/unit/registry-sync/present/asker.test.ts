import { expect, test } from "vitest";
import type { WireProtocol } from "../../../../src/codecs/xds/resources.ts";
import { parseDubboUrl } from "../../../../src/registry-sync/dubbo-url.ts";
import { ANYBODY, bridgedFor, joinBridged } from "../../../../src/registry-sync/present/asker.ts";
import { recordedTree } from "../../../support/recorded-tree.ts";

function bridged(text: string): readonly WireProtocol[] {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return bridgedFor(reading.url);
}

test.each<[string, string, string[]]>([
  ["of 2.6", "consumer://10.0.0.1/a.B?dubbo=2.6.12", ["dubbo"]],
  ["of 2.7", "consumer://10.0.0.1/a.B?release=2.7.23", ["dubbo"]],
  ["of 2.7 that names its protocol", "consumer://10.0.0.1/a.B?release=2.7.23&protocol=dubbo", ["dubbo"]],
  ["of 3.x that names none", "consumer://10.0.0.1/a.B?release=3.2.18", []],
  ["of 3.x that names Triple", "consumer://10.0.0.1/a.B?release=3.3.6&protocol=tri", ["tri"]],
  ["of 3.x as it writes its node for Triple", "tri://10.0.0.1/a.B?release=3.3.6", ["tri"]],
  ["of 3.x that names both", "consumer://10.0.0.1/a.B?release=3.3.6&protocol=tri,dubbo", ["dubbo", "tri"]],
  ["that names another", "consumer://10.0.0.1/a.B?protocol=rest", []],
  ["of dubbo-go", "consumer:///a.B?release=dubbo-golang-3.3.2", ["dubbo"]],
])("a consumer %s", (_, text, expected) => {
  expect(bridged(text)).toEqual(expected);
});

test.each<[string, string[]]>([
  ["zk-2.6.12-interface", ["dubbo"]],
  ["zk-2.7.23-interface", ["dubbo"]],
  ["zk-3.2.18-all-tri", ["tri"]],
  ["zk-3.3.6-all-tri", ["tri"]],
  ["zk-3.3.6-all", []],
])("the consumer recorded in %s", (name, expected) => {
  const [node = ""] = recordedTree(name).interfaces?.get("peer.api.OrderService")?.consumers ?? [];
  expect(bridged(decodeURIComponent(node))).toEqual(expected);
});

test("what several need is joined, and equal lists are one", () => {
  const [tri, dubbo, none] = [bridged("tri://h/a"), bridged("dubbo://h/a"), bridged("consumer://h/a?release=3.0.0")];
  expect(joinBridged(tri, dubbo)).toEqual(["dubbo", "tri"]);
  expect(joinBridged(none, tri)).toBe(tri);
  expect(joinBridged(none, dubbo)).toBe(ANYBODY.bridged);
});
