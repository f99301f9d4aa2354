import { expect, test } from "vitest";
import { inboundLabels } from "../../../src/model/inbound.ts";

test("a proxy with a certificate says whose it is and that it takes mutual TLS; one without says nothing", () => {
  const identity = "cluster.local/ns/default/sa/orders";
  expect(inboundLabels({ identity })).toEqual({ "security.istio.io/tlsMode": "istio", "trestle.identity": identity });
  expect(inboundLabels({})).toEqual({});
});
