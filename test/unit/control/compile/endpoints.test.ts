import { expect, test } from "vitest";
import {
  compileEndpoints,
  isCarried,
  isOfTag,
  liveEndpoints,
  selects,
  usualPort,
  WIRE_PROTOCOLS,
} from "../../../../src/control/compile/endpoints.ts";
import { endpointOf, entryOf } from "../../../support/rule-cases.ts";

test.each([
  { name: "a Dubbo2 provider", urls: ["dubbo://10.0.0.1:20880"], carried: true },
  {
    name: "a Dubbo2 provider beside a Triple one",
    urls: ["tri://10.0.0.1:50051", "dubbo://10.0.0.1:20880"],
    carried: true,
  },
  { name: "no provider left", urls: [], carried: true },
  { name: "Triple providers alone", urls: ["tri://10.0.0.1:50051"], carried: true },
  { name: "Triple providers alone, without Triple", urls: ["tri://10.0.0.1:50051"], only: ["dubbo"], carried: false },
  { name: "REST providers alone", urls: ["rest://10.0.0.1:8080"], carried: false },
])("a service with $name is led through the proxy: $carried", ({ urls, only = WIRE_PROTOCOLS, carried }) => {
  expect(isCarried(entryOf("com.acme.A", urls), only)).toBe(carried);
});

test.each([
  { urls: ["dubbo://10.0.0.1:20885", "dubbo://10.0.0.2:20881", "tri://10.0.0.1:1"], port: 20881 },
  { urls: ["tri://10.0.0.1:50052", "rest://10.0.0.1:1", "tri://10.0.0.1:50051"], port: 50051 },
  { urls: ["rest://10.0.0.1:1"], port: 20880 },
  { urls: [], port: 20880 },
])("the usual port of $urls is $port", ({ urls, port }) => {
  expect(usualPort(entryOf("com.acme.A", urls))).toBe(port);
});

test("the port that an object says goes before those of providers", () => {
  const entry = entryOf("com.acme.A", ["tri://10.0.0.1:50051", "http://10.0.0.1:8080"]);
  expect(usualPort({ ...entry, ports: [{ protocol: "http", port: 80 }] })).toBe(80);
});

const endpoint = endpointOf("dubbo://10.0.0.1:20880?lane=blue/green&version=1.0.0&dubbo.tag=gray");

test.each([
  { labels: {}, selected: true },
  { labels: { lane: "blue/green" }, selected: true },
  { labels: { lane: "blue_green" }, selected: true },
  { labels: { lane: "blue" }, selected: false },
  { labels: { version: "1.0.0", lane: "blue/green" }, selected: true },
  { labels: { version: "1.0.0", zone: "a" }, selected: false },
  { labels: { "dubbo.tag": "gray" }, selected: true },
  { labels: { tag: "gray" }, selected: true },
  { labels: { tag: "" }, selected: false },
  { labels: { constructor: "Object" }, selected: false },
] as { labels: Record<string, string>; selected: boolean }[])(
  "labels $labels select the endpoint: $selected",
  ({ labels, selected }) => {
    expect(selects(labels, endpoint)).toBe(selected);
  },
);

test.each<[string, Record<string, string>, readonly string[], boolean]>([
  ["the tag of all", { "dubbo.tag": "a_b" }, ["a|b", "a|b"], true],
  ["the tag under its short name", { tag: "gray", lane: "x" }, ["gray"], true],
  ["a tag that one has not", { "dubbo.tag": "gray" }, ["gray", ""], false],
  ["a parameter of that name that is no tag", { tag: "gray" }, ["blue"], false],
  ["another label", { lane: "gray" }, ["gray"], false],
])("a subset by %s is one of a tag or not", (_, labels, tags, expected) => {
  expect(
    isOfTag(
      labels,
      tags.map((tag) => ({ ...endpoint, tag })),
    ),
  ).toBe(expected);
});

test("disabled endpoints and other protocols take no calls", () => {
  const entry = entryOf("com.acme.A", [
    "dubbo://10.0.0.1:20880",
    "dubbo://10.0.0.2:20880?disabled=true",
    "tri://10.0.0.3:20880",
    "rest://10.0.0.4:20880",
  ]);
  const live = (protocols: readonly string[]) =>
    liveEndpoints(entry, undefined, protocols).map(({ address }) => address);
  expect(live(WIRE_PROTOCOLS)).toEqual(["10.0.0.1", "10.0.0.3"]);
  expect(live(["dubbo"])).toEqual(["10.0.0.1"]);
  expect(liveEndpoints(entry, { lane: "x" }, WIRE_PROTOCOLS)).toEqual([]);
});

test("a Triple provider's protocol is said, a Dubbo2 provider's is not", () => {
  const { endpoints } = compileEndpoints("c", ["tri://10.0.0.1:50051", "dubbo://10.0.0.1:20880"].map(endpointOf));
  expect(endpoints[0]!.lbEndpoints.map(({ metadata }) => metadata)).toEqual([
    { filterMetadata: { "io.trestle": { protocol: "tri" } } },
    undefined,
  ]);
});

test("a Triple provider of a Java interface is known to take the wrapper", () => {
  const urls = [
    "tri://10.0.0.1:50051?interface=com.acme.A",
    "tri://10.0.0.2:50051?interface=com.acme.A&proxy=nativestub",
  ];
  const { endpoints } = compileEndpoints("c", urls.map(endpointOf));
  expect(endpoints[0]!.lbEndpoints.map(({ metadata }) => metadata!.filterMetadata["io.trestle"])).toEqual([
    { protocol: "tri", takesWrapper: true },
    { protocol: "tri" },
  ]);
});

test("a Triple provider of Java before 3.3 is known to take no JSON", () => {
  const urls = [
    "tri://10.0.0.1:50051?interface=com.acme.A&release=3.2.18",
    "tri://10.0.0.2:50051?interface=com.acme.A&release=3.3.6",
    "dubbo://10.0.0.3:20880?interface=com.acme.A&release=3.2.18",
  ];
  const { endpoints } = compileEndpoints("c", urls.map(endpointOf));
  expect(endpoints[0]!.lbEndpoints.map(({ metadata }) => metadata?.filterMetadata["io.trestle"])).toEqual([
    { protocol: "tri", takesWrapper: true, refusesJson: true },
    { protocol: "tri", takesWrapper: true },
    undefined,
  ]);
});

test("a provider's weight, tag, token, start, warm-up and payload are handed on", () => {
  const full = endpointOf("dubbo://10.0.0.1:20880?weight=0&dubbo.tag=t&token=k&timestamp=17&warmup=5&payload=9");
  expect(compileEndpoints("c", [full, endpointOf("dubbo://10.0.0.2:20881")])).toEqual({
    clusterName: "c",
    endpoints: [
      {
        lbEndpoints: [
          {
            endpoint: { address: { socketAddress: { address: "10.0.0.1", portValue: 20880 } } },
            loadBalancingWeight: 0,
            metadata: {
              filterMetadata: { "io.trestle": { tag: "t", token: "k", warmupMs: 5, startedAtMs: 17, payloadBytes: 9 } },
            },
          },
          {
            endpoint: { address: { socketAddress: { address: "10.0.0.2", portValue: 20881 } } },
            loadBalancingWeight: 100,
          },
        ],
      },
    ],
  });
});

test("plain HTTP is carried; Java objects in HTTP, which Dubbo calls http too, are not", () => {
  const of = (text: string) => ({
    host: "a",
    service: { interface: "a", group: "", version: "" },
    endpoints: [endpointOf(text)],
  });
  expect(isCarried(of("http://10.0.0.1:80"), ["dubbo", "tri", "http"])).toBe(true);
  expect(isCarried(of("http://10.0.0.1:80?interface=a"), ["dubbo", "tri", "http"])).toBe(false);
  expect(isCarried(of("http://10.0.0.1:80"), ["dubbo", "tri"])).toBe(false);
});
