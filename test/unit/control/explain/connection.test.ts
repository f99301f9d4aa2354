import { expect, test } from "vitest";
import type { Judgement } from "../../../../src/control/explain/authorization.ts";
import { judgeConnection, seenPrincipal, type TakenMtls } from "../../../../src/control/explain/connection.ts";

const WEB = "spiffe://cluster.local/ns/shop/sa/web";
const judged = (decision: Judgement["decision"]): Judgement => ({ policies: [], decision, why: ["w"] });
const NONE = "PeerAuthentication asks for mutual TLS (STRICT), and the caller has no certificate";
const BY = "it comes by mutual TLS (STRICT)";

test.each([
  ["STRICT", WEB, "allowed", "allowed", ["w"]],
  ["STRICT", "", "allowed", "denied", [NONE]],
  ["STRICT", "", "denied", "denied", [NONE]],
  ["STRICT", undefined, "allowed", "open", [BY]],
  ["STRICT", undefined, "open", "open", [BY, "w"]],
  ["STRICT", undefined, "denied", "denied", ["w"]],
  ["PERMISSIVE", "", "allowed", "allowed", ["w"]],
  ["DISABLE", undefined, "open", "open", ["w"]],
] as const)("%s, a caller that is %o, %s by policies: %s", (mtls, principal, decision, then, why) => {
  expect(judgeConnection(mtls, principal, judged(decision))).toEqual({ policies: [], decision: then, why });
});

test("without TLS nobody is known", () => {
  const seen = (["STRICT", "PERMISSIVE", "DISABLE"] as TakenMtls[]).map((mtls) => seenPrincipal(mtls, WEB));
  expect(seen).toEqual([WEB, WEB, ""]);
});
