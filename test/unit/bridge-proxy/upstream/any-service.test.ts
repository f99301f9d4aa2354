import { expect, test } from "vitest";
import { serviceFor } from "../../../../src/bridge-proxy/upstream/any-service.ts";
import { parseServiceKey } from "../../../../src/model/service.ts";

const KEY = parseServiceKey("g/com.acme.Orders:1.0.0");

test("a cluster of one service serves that one, whatever is called", () => {
  const service = { ...parseServiceKey("com.acme.Stock"), host: "stock", subset: "v1" };
  expect(serviceFor(service, KEY)).toBe(service);
});

test("a cluster that takes any service serves the one that is called", () => {
  const service = { interface: "*", group: "", version: "", host: "inbound|20880||", subset: "" };
  expect(serviceFor(service, KEY)).toEqual({ ...KEY, host: "inbound|20880||", subset: "" });
});
