import { expect, test } from "vitest";
import { innerFields, isOuter } from "../../../../src/bridge-proxy/gateway/fields.ts";

const call = {
  service: { interface: "com.acme.A", group: "g", version: "1.0.0" },
  method: "get",
  query: "?a=1",
  address: "10.9.9.9",
};

test("the head names the route's service, whatever the caller said", () => {
  const asked = [
    ...[":method", "POST", ":scheme", "http", ":authority", "api.example.com", ":path", "/orders/get?a=1"],
    ...["content-type", "application/json", "tri-service-group", "other", "tri-service-version", "9", "x-user", "u"],
  ];
  expect(innerFields(asked, call)).toEqual([
    ...[":method", "POST", ":scheme", "http", ":authority", "api.example.com", ":path", "/com.acme.A/get?a=1"],
    ...["content-type", "application/json", "x-user", "u"],
    ...["tri-service-group", "g", "tri-service-version", "1.0.0", "x-forwarded-for", "10.9.9.9"],
  ]);
});

test("group and version that the service does not have are not said", () => {
  const service = { interface: "com.acme.A", group: "", version: "" };
  expect(innerFields(["tri-service-group", "g"], { ...call, service })).toEqual(["x-forwarded-for", "10.9.9.9"]);
});

test.each([
  ["1.1.1.1", "1.1.1.1, 10.9.9.9"],
  ["x".repeat(1_025), "10.9.9.9"],
])("the caller's address comes behind those of proxies before it", (before, after) => {
  expect(
    innerFields(["x-forwarded-for", before], { ...call, service: { ...call.service, group: "", version: "" } }),
  ).toEqual(["x-forwarded-for", after]);
});

test.each([
  ...["tri-service-group", "tri-exception-code", "rest-service-version", "triple-timeout-ms", "dubbo-tag", "dubbo.tag"],
  ...[
    "dubbo.force.tag",
    "x-envoy-retry-on",
    "x-trestle-a",
    "path",
    "interface",
    "group",
    "version",
    "token",
    "generic",
  ],
  ...["timeout", "remote.application", "host"],
])("%s is not taken from outside", (name) => {
  expect(isOuter(name)).toBe(false);
});

test.each(["authorization", "cookie", "content-type", "grpc-timeout", "te", "x-user", "traceparent"])(
  "%s is taken from outside",
  (name) => {
    expect(isOuter(name)).toBe(true);
  },
);

test.each(["tag", "tag-bin", "token-bin", "async", "dubbo-x-bin"])("%s is a name of the mesh's own", (name) => {
  expect(isOuter(name)).toBe(false);
});
