import { expect, test } from "vitest";
import { plainEndpoint } from "../../../src/model/entry.ts";

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
