import { expect, test } from "vitest";
import { plainEndpoint } from "../../../../src/model/entry.ts";
import {
  addressOf,
  applicationsOf,
  consumerOf,
  cut,
  NOT_PROVIDERS,
  servicesOf,
} from "../../../../src/registry-sync/dubbo/interface-parts.ts";
import { type DubboUrl, parseDubboUrl } from "../../../../src/registry-sync/dubbo/url.ts";

function url(text: string): DubboUrl {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

test("offers are gathered by service, in order of the printed keys", () => {
  const offers = ["dubbo://h:1/a.B?version=2", "dubbo://h:2/a.B?group=g", "dubbo://h:3/a.B?version=2"].map((text) => {
    const one = url(text);
    const { host: address, port, protocol, params } = one;
    return { url: one, endpoint: plainEndpoint({ address, port, protocol, params, weight: 100, origin: "zk" }) };
  });
  expect(servicesOf("a.B", offers).map(({ key, offers: list }) => [key, list.length])).toEqual([
    ["a.B:2", 2],
    ["g/a.B", 1],
  ]);
});

test("a consumer is its service, address and application", () => {
  const consumer = consumerOf("a.B", url("consumer://10.0.0.1/a.B?application=web&version=1"));
  expect(consumer).toMatchObject({
    address: "10.0.0.1",
    application: "web",
    service: { interface: "a.B", version: "1" },
  });
});

test("names that say nothing are no applications", () => {
  expect([...applicationsOf(["a", "", "a"])]).toEqual(["a"]);
});

test("texts of a registry are short in messages", () => {
  expect(cut("x".repeat(200))).toHaveLength(123);
  expect([addressOf(url("dubbo://h:1/a.B")), addressOf(url("consumer://h/a.B"))]).toEqual(["h:1", "h"]);
});

test("protocols of rules and consumers are no providers'", () => {
  expect([NOT_PROVIDERS.has("override"), NOT_PROVIDERS.has("dubbo")]).toEqual([true, false]);
});
