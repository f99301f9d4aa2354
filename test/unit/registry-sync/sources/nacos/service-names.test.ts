import { expect, test } from "vitest";
import { parseServiceName } from "../../../../../src/registry-sync/sources/nacos/service-names.ts";

test.each([
  ["providers:com.foo.Bar:1.0.0:g", "providers com.foo.Bar 1.0.0 g"],
  ["providers:com.foo.Bar::", "providers com.foo.Bar  "],
  ["providers:com.foo.Bar:1.0.0", "providers com.foo.Bar 1.0.0 "],
  ["providers:com.foo.Bar", "providers com.foo.Bar  "],
  ["providers:com.foo.Bar::g:h", "providers com.foo.Bar  g:h"],
  ["consumers:com.foo.Bar:1.0.0:", "consumers com.foo.Bar 1.0.0 "],
])("%s is Dubbo's", (name, text) => {
  const parsed = parseServiceName(name);
  expect(typeof parsed === "object" && Object.values(parsed).join(" ")).toBe(text);
});

test.each([
  ["configurators:com.foo.Bar::", "other"],
  ["routers:com.foo.Bar", "other"],
  ["order-service", undefined],
  ["providers", undefined],
  ["providers:", undefined],
  ["my:providers:com.foo.Bar", undefined],
])("%s is %s", (name, what) => {
  expect(parseServiceName(name)).toBe(what);
});
