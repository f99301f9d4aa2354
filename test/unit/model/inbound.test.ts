import { expect, test } from "vitest";
import { inboundLabels, withoutInboundLabels } from "../../../src/model/inbound.ts";

test("a proxy with a certificate says whose it is and that it takes mutual TLS; one without says nothing", () => {
  const identity = "cluster.local/ns/default/sa/orders";
  expect(inboundLabels({ identity })).toEqual({ "security.istio.io/tlsMode": "istio", "trestle.identity": identity });
  expect(inboundLabels({})).toEqual({});
});

test("what is shown in another's place does not say it; what never did stays the same object", () => {
  expect(withoutInboundLabels({ a: "b", ...inboundLabels({ identity: "x" }) })).toEqual({ a: "b" });
  const plain = { a: "b" };
  expect(withoutInboundLabels(plain)).toBe(plain);
});
