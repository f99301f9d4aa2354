import { expect, test } from "vitest";
import { parseDubboUrl } from "../../../../src/registry-sync/dubbo/url.ts";
import {
  ANYBODY,
  type Speech,
  speechOf,
  takesDubboAlone,
  wantsBridged,
  withSpeech,
} from "../../../../src/registry-sync/present/asker.ts";
import { recordedTree } from "../../../support/recorded-tree.ts";

function speech(text: string): Speech {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return speechOf(reading.url);
}

test.each<[string, string, Speech]>([
  ["of 2.6", "consumer://10.0.0.1/a.B?dubbo=2.6.12", "dubbo"],
  ["of 2.7", "consumer://10.0.0.1/a.B?release=2.7.23", "dubbo"],
  ["of 2.7 that names its protocol", "consumer://10.0.0.1/a.B?release=2.7.23&protocol=dubbo", "dubbo"],
  ["of 3.x that names none", "consumer://10.0.0.1/a.B?release=3.2.18", "either"],
  ["of 3.x that names Triple", "consumer://10.0.0.1/a.B?release=3.3.6&protocol=tri", "tri"],
  ["of 3.x as it writes its node for Triple", "tri://10.0.0.1/a.B?release=3.3.6", "tri"],
  ["of 3.x that names both", "consumer://10.0.0.1/a.B?release=3.3.6&protocol=tri,dubbo", "either"],
  ["that names another", "consumer://10.0.0.1/a.B?protocol=rest", "either"],
  ["of dubbo-go", "consumer://10.0.0.1/a.B?release=dubbo-golang-3.3.2&protocol=tri", "tri"],
])("a consumer %s", (_, text, expected) => {
  expect(speech(text)).toBe(expected);
});

test.each<[string, Speech]>([
  ["zk-2.6.12-interface", "dubbo"],
  ["zk-2.7.23-interface", "dubbo"],
  ["zk-3.2.18-all-tri", "tri"],
  ["zk-3.3.6-all-tri", "tri"],
  ["zk-3.3.6-all", "either"],
])("the consumer recorded in %s", (name, expected) => {
  const [node = ""] = recordedTree(name).interfaces?.get("peer.api.OrderService")?.consumers ?? [];
  expect(speech(decodeURIComponent(node))).toBe(expected);
});

test.each<[string, Speech[], boolean, boolean, boolean]>([
  ["anybody", [], true, false, false],
  ["one of 2.x", ["dubbo"], true, false, true],
  ["one that asks for Triple", ["tri"], false, true, false],
  ["one that takes either", ["either"], false, false, false],
  ["one that asks for Triple beside one of 2.x", ["tri", "dubbo"], true, true, false],
  ["one that takes either beside one of 2.x", ["either", "dubbo", "either"], true, false, false],
])("%s: dubbo:// bridged %s %s, tri:// bridged %s, tri:// hidden %s", (_, said, dubbo, tri, alone) => {
  const asker = { unled: [], speaks: said.reduce(withSpeech, ANYBODY.speaks) };
  expect([wantsBridged(asker, "dubbo"), wantsBridged(asker, "tri"), takesDubboAlone(asker)]).toEqual([
    dubbo,
    tri,
    alone,
  ]);
});

test("equal lists are one, whatever the order", () => {
  const both = withSpeech(withSpeech(ANYBODY.speaks, "tri"), "dubbo");
  expect(both).toEqual(["dubbo", "tri"]);
  expect(withSpeech(withSpeech(ANYBODY.speaks, "dubbo"), "tri")).toBe(both);
  expect(withSpeech(both, "tri")).toBe(both);
});
