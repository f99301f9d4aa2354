import { expect, test } from "vitest";
import type { World } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { encodeName, parseDubboUrl } from "../../../../src/registry-sync/dubbo/url.ts";
import { createPresentContext } from "../../../../src/registry-sync/present/context.ts";
import { present } from "../../../../src/registry-sync/present/present.ts";
import { tagOfProvider, tagsInWorld } from "../../../../src/registry-sync/present/tags.ts";
import { createZookeeperWorld } from "../../../../src/registry-sync/sources/zookeeper/world.ts";

const url = (host: string, query: string, scheme = "dubbo") => `${scheme}://${host}:20880/a.B?interface=a.B&${query}`;
const gray = "override://10.0.0.1:20880/a.B?group=*&version=*&dubbo.tag=gray";

function worldOf(providers: readonly string[], configurators: readonly string[]): World {
  const nodes = { providers: providers.map(encodeName), consumers: [], routers: [] };
  const interfaces = new Map([["a.B", { ...nodes, configurators: configurators.map(encodeName) }]]);
  return createZookeeperWorld({ name: "legacy" }).update({ interfaces });
}

test.each<[name: string, inWorld: string[], overrides: string[], asked: string, tag: string]>([
  [
    "its URL's",
    [url("10.0.0.1", "dubbo.tag=blue&timestamp=1")],
    [],
    url("10.0.0.1", "dubbo.tag=blue&timestamp=1"),
    "blue",
  ],
  ["one that an override gave", [url("10.0.0.1", "timestamp=1")], [gray], url("10.0.0.1", "timestamp=1"), "gray"],
  [
    "an override's over its own",
    [url("10.0.0.1", "dubbo.tag=blue")],
    [gray],
    url("10.0.0.1", "dubbo.tag=blue"),
    "gray",
  ],
  [
    "its URL's after it has started again",
    [url("10.0.0.1", "timestamp=1")],
    [gray],
    url("10.0.0.1", "timestamp=2"),
    "",
  ],
  ["its URL's where the world does not know it", [], [gray], url("10.0.0.1", "dubbo.tag=blue"), "blue"],
  ["its URL's where an override is for another", [url("10.0.0.2", "")], [gray], url("10.0.0.2", ""), ""],
  ["one of the same protocol", [url("10.0.0.1", "dubbo.tag=blue")], [], url("10.0.0.1", "", "tri"), ""],
  [
    "its URL's over Triple",
    [url("10.0.0.1", "timestamp=1", "tri")],
    [gray],
    url("10.0.0.1", "timestamp=1", "tri"),
    "gray",
  ],
  ["one of the same version", [url("10.0.0.1", "version=2")], [gray], url("10.0.0.1", "version=1"), ""],
])("a provider is shown under %s", (_, inWorld, overrides, asked, tag) => {
  const reading = parseDubboUrl(asked);
  if (reading.type === "fault") throw new Error(reading.message);
  const service = serviceKey("a.B", "", reading.url.params["version"]);
  expect(tagOfProvider(service, reading.url, tagsInWorld(worldOf(inWorld, overrides)))).toBe(tag);
});

test("consumers are shown a URL for a tag that an override gave", () => {
  const providers = [url("10.0.0.1", "timestamp=1"), url("10.0.0.2", "timestamp=1")];
  const context = createPresentContext({ addresses: ["10.0.0.9:20880"], world: worldOf(providers, [gray]) });
  const directory = { kind: "providers", path: "/dubbo/a.B/providers", name: "a.B" } as const;
  expect([...present(directory, providers.map(encodeName), context).shown].map(decodeURIComponent)).toEqual([
    "dubbo://10.0.0.9:20880/a.B?interface=a.B",
    "dubbo://10.0.0.9:20880/a.B?dubbo.tag=gray&interface=a.B",
  ]);
});
