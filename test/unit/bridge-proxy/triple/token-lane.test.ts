import { expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { guardLane } from "../../../../src/bridge-proxy/triple/guard.ts";
import { decideByMessage, laneOf } from "../../../../src/bridge-proxy/triple/lanes.ts";
import { encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { claimsStage } from "../../../support/claims-stage.ts";
import { policyText } from "../../../support/policies.ts";

const peer = peerFrom("10.0.0.1");

function stage(options: Parameters<typeof claimsStage>[0] = {}) {
  const made = claimsStage(options);
  const lists = new Map<string | undefined, string[]>();
  /** The lane of calls with a token; the same list of fields for each call with the same. */
  const lane = (token: string | undefined, hasWaited = false) => {
    const said = token === undefined ? [] : ["authorization", `Bearer ${token}`];
    const fields = lists.get(token) ?? [":path", "/com.acme.A/get", "content-type", "application/grpc"].concat(said);
    lists.set(token, fields);
    return guardLane(laneOf(made.config, peer.address, fields, undefined), peer, fields, hasWaited);
  };
  return { ...made, lane };
}

test("calls are led by what their tokens say, each anew", () => {
  const { lane, tokens } = stage();
  expect(lane(tokens.admin).route?.name).toBe("admin");
  expect(lane(tokens.guest).route?.name).toBe("rest");
  expect(lane(undefined).route?.name).toBe("rest");
  expect(lane(tokens.admin)).toBe(lane(tokens.admin));
});

test("a token that is not good is refused, one by a key that is not known waits; once the key came the same list is led", () => {
  const { lane, tokens, bringKey } = stage();
  expect(lane(tokens.bad)).toMatchObject({ route: undefined, refusal: { reason: "unauthenticated" } });
  expect(lane(tokens.bad).refusal?.token?.later).toBeUndefined();
  expect(lane(tokens.young).refusal?.token?.later).toBeTypeOf("function");
  expect(lane(tokens.young, true).refusal?.token?.later).toBeUndefined();
  bringKey();
  expect(lane(tokens.young).route?.name).toBe("admin");
});

test("where a message decides too, it is told what the token says", () => {
  const byArgument = stage({ byArgument: true });
  const lane = byArgument.lane(byArgument.tokens.admin);
  expect([lane.needsMessage, lane.token?.().denial]).toEqual([true, undefined]);
  expect(byArgument.lane(byArgument.tokens.bad)).toMatchObject({ needsMessage: false, refusal: { message: /fails/ } });
  const policies = [
    policyText("r", "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-arg-0]', values: ['7']}]}]}"),
  ];
  const judged = stage({ policies });
  const held = judged.lane(judged.tokens.admin);
  expect([held.needsMessage, held.route]).toEqual([true, undefined]);
  expect(
    decideByMessage(held, encodeRequestWrapper({ serializeType: "hessian4", args: [], argTypes: [] })).route?.name,
  ).toBe("admin");
});

test("a head that can be read in two ways is refused where the token stands in it", () => {
  const { config, tokens } = stage();
  const fields = [":path", "/com.acme.A/get", "content-type", "application/grpc"];
  for (const token of [tokens.guest, tokens.admin]) fields.push("authorization", `Bearer ${token}`);
  const lane = guardLane(laneOf(config, peer.address, fields, undefined), peer, fields);
  expect(lane.refusal?.reason).toBe("undecodable");
});
