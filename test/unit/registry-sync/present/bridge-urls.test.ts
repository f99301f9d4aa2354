import { expect, test } from "vitest";
import { parseDubboUrl } from "../../../../src/registry-sync/dubbo/url.ts";
import { bridgeParams, isBridgeable, otherProtocol } from "../../../../src/registry-sync/present/bridge-urls.ts";

function url(query: string, scheme = "tri") {
  const reading = parseDubboUrl(`${scheme}://10.0.0.2:50051/ctx/a.B?${query}`);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

test.each<[string, string, boolean]>([
  ["says nothing of it", "interface=a.B", true],
  ["is Java's of 3.2", "prefer.serialization=fastjson2,hessian2", true],
  ["is dubbo-go's without .proto", "IDL-mode=non-IDL&serialization=hessian2", true],
  ["is made from a .proto by Java", "proxy=nativestub&prefer.serialization=hessian2,fastjson2", false],
  ["has another proxy of Java's", "proxy=javassist", true],
  ["is made from a .proto by dubbo-go", "IDL-mode=IDL", false],
  ["takes protobuf", "serialization=protobuf", false],
  ["takes fastjson2 alone", "prefer.serialization=fastjson2", false],
  ["takes another by 2.6's default form", "default.serialization=kryo", false],
])("a provider that %s can be called from the other protocol: %s %s", (_, query, expected) => {
  expect(isBridgeable(url(query), false)).toBe(expected);
});

test.each([
  ["Java", "proxy=nativestub"],
  ["dubbo-go", "IDL-mode=IDL&serialization=protobuf"],
])(
  "a provider of a .proto file, by %s, can be called from the other protocol where its messages are known",
  (_, query) => {
    expect(isBridgeable(url(query), true)).toBe(true);
  },
);

test.each<[string, string, string]>([
  [
    "keeps what is true of both",
    "application=shop&group=g&interface=a.B&methods=a,b&timeout=900&version=1",
    "application=shop&group=g&interface=a.B&methods=a,b&prefer.serialization=hessian2&serialization=hessian2&timeout=900&version=1&weight=0",
  ],
  [
    "drops what is of one protocol",
    "IDL-mode=non-IDL&client=netty4&codec=dubbo&optimizer=x.Y&proxy=jdk&serialization=kryo&default.server=netty&zone=a",
    "prefer.serialization=hessian2&serialization=hessian2&weight=0&zone=a",
  ],
  [
    "drops weights of methods and callbacks",
    "default.weight=7&pay.weight=9&watch.1.callback=true&watch.timeout=5",
    "prefer.serialization=hessian2&serialization=hessian2&watch.timeout=5&weight=0",
  ],
])("the URL of the other protocol %s", (_, query, expected) => {
  expect(
    Object.entries(bridgeParams(url(query).params))
      .map(([key, value]) => `${key}=${value}`)
      .join("&"),
  ).toBe(expected);
});

test("keys of Object's prototype are plain keys", () => {
  expect(Object.keys(bridgeParams(url("__proto__=x&constructor=y").params))).toContain("__proto__");
});

test("each protocol is the other's other", () => {
  expect([otherProtocol("dubbo"), otherProtocol("tri")]).toEqual(["tri", "dubbo"]);
});
