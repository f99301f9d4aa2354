import { expect, test } from "vitest";
import { furtherHost, hostnameOf, plainEndpoint } from "../../../src/model/entry.ts";

test("an endpoint of which little is known takes calls: it has no tag, token or warm-up and is not disabled", () => {
  const known = { address: "10.0.0.1", port: 1, protocol: "http", weight: 7, params: { lane: "x" }, origin: "rules" };
  expect(plainEndpoint(known)).toEqual({
    ...known,
    startedAtMs: 0,
    warmupMs: 0,
    tag: "",
    disabled: false,
    token: "",
    payloadBytes: 0,
  });
});

test("a further port is called by its service's name, and found by its number", () => {
  const host = furtherHost("shop", 9090);
  expect(host).toBe("shop:9090");
  expect([hostnameOf({ host: "shop" }), hostnameOf({ host, portOf: "shop" })]).toEqual(["shop", "shop"]);
});
