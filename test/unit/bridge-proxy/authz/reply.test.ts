import { expect, test } from "vitest";
import { answerTo } from "../../../../src/bridge-proxy/authz/reply.ts";
import { ownAnswer } from "../../../../src/codecs/dubbo2/status.ts";

test.each([
  ["without a server's word", undefined, ownAnswer("denied")],
  ["by the usual status", 403, ownAnswer("denied")],
  ["429", 429, { status: 20, http: 429, grpc: 8, code: "resource_exhausted" }],
  ["503", 503, { status: 20, http: 503, grpc: 14 }],
  ["200, which is no success of a call", 200, { status: 20, http: 200, grpc: 7, code: "permission_denied" }],
  ["302, which gRPC has no word for", 302, { status: 20, http: 302, grpc: 2 }],
])("a denial %s", (_name, http, answer) => {
  const reply = http === undefined ? {} : { reply: { http, body: "", headers: [] } };
  expect(answerTo({ reason: "denied", ...reply })).toMatchObject(answer);
});
