import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { AuthzStats } from "../../../../src/bridge-proxy/authz/audit.ts";
import { KeyWaits } from "../../../../src/bridge-proxy/authz/key-waits.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { Settled, Subject } from "../../../../src/bridge-proxy/authz/question.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { rulingOf, UNREADABLE } from "../../../../src/bridge-proxy/dubbo/guard.ts";
import { headerLookup } from "../../../../src/bridge-proxy/dubbo/header-lookup.ts";
import { createLane } from "../../../../src/bridge-proxy/dubbo/lanes.ts";
import { hostOf } from "../../../../src/bridge-proxy/dubbo/resolve.ts";
import { matchRoute } from "../../../../src/bridge-proxy/match.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { GENERIC_DESCRIPTOR, RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { listValue, type Value } from "../../../../src/codecs/value.ts";
import { JWT_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { VIRTUAL_HOST_TYPE } from "../../../../src/codecs/xds/resources.ts";
import { parseServiceKey } from "../../../../src/model/service.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { configsOf, policyText } from "../../../support/policies.ts";
import { keySet, type SigningKey, signingKey, tokenOf } from "../../../support/tokens.ts";

const KEY = "com.acme.A:1.0.0";
const peer = peerFrom("10.0.0.1");
const denyDrop = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}");
const allowGet = policyText("a", "{rules: [{to: [{operation: {methods: [get]}}]}]}");
const context = { limits: { maxCallMs: 600_000 } } as unknown as ProxyContext;

interface Asked {
  readonly method?: string;
  readonly service?: string;
  readonly descriptor?: string;
  readonly args?: readonly Value[];
  readonly attachments?: Record<string, Value>;
}

/** `passed`, `denied` or why the call is refused. */
function outcome(
  config: RuntimeConfig,
  { method = "get", service = "com.acme.A", descriptor = "", args = [], attachments = {} }: Asked,
): string {
  const parts = { idHigh: 1, idLow: 2, twoWay: true, group: "", version: "1.0.0" };
  const frame = encodeRequest({ ...parts, interface: service, method, descriptor, args, attachments });
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  const lane = createLane(config, context, head, peer);
  const decision = lane.host ?? hostOf(lane, head) ?? config.routes.decide("com.acme.A", "1.0.0", method)!.only!;
  const header = headerLookup(head, decision.host.key, undefined);
  const route = matchRoute(decision, header)!;
  try {
    const ruling = rulingOf({ config, peer, decision, route, head, header, nowMs: 0, known: new Map() });
    return ruling === undefined ? "passed" : `${ruling.denial?.reason}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const guarded = guardedConfig({ [KEY]: { policies: [denyDrop, allowGet] } });

describe("names that a provider would read otherwise", () => {
  const generic = (method: Value, descriptor = GENERIC_DESCRIPTOR) => ({
    method: "$invoke",
    descriptor,
    args: [method, listValue([]), listValue([])],
  });
  const rows: [string, Asked, RegExp][] = [
    ["an honest call", { attachments: { path: "com.acme.A", version: "1.0.0" } }, /^passed$/],
    [
      "another path in the attachments",
      { attachments: { path: "com.acme.Secret" } },
      /^attachment path names "com\.acme\.Secret"/,
    ],
    ["another path in capitals is no path", { attachments: { Path: "com.acme.Secret" } }, /^passed$/],
    [
      "another version in the attachments",
      { attachments: { version: "2.0.0" } },
      /^attachment version names "2\.0\.0"/,
    ],
    [
      "no version in the attachments but a name for it",
      { attachments: { version: "0.0.0" } },
      /^attachment version names ""/,
    ],
    ["another group in the attachments", { attachments: { group: "g" } }, /^attachment group names "g"/],
    ["a method that is denied", { method: "drop" }, /^denied$/],
    ["a method in another case", { method: "Get" }, /^denied$/],
    ["a method with a dot behind it", { method: "get." }, /^method "get\." is no name/],
    ["a generic call of a method that is allowed", generic("get"), /^passed$/],
    ["a generic call of a method that is denied", generic("drop"), /^denied$/],
    [
      "a generic call whose types are not those of one",
      generic("drop", "Ljava/lang/Object;Ljava/lang/Object;Ljava/lang/Object;"),
      /does not say which method/,
    ],
    ["a generic call that names no text", generic(7), /does not say which method/],
  ];
  test.each(rows)("%s", (_, asked, expected) => {
    expect(outcome(guarded, asked)).toMatch(expected);
  });

  test("a context path before the interface changes nothing", () => {
    const path = "ctx/com.acme.A";
    expect(outcome(guarded, { service: path, attachments: { path } })).toBe("passed");
    expect(outcome(guarded, { service: path, method: "drop", attachments: { path } })).toBe("denied");
    expect(outcome(guarded, { service: path, attachments: { path: "com.acme.A" } })).toMatch(/^attachment path/);
  });

  test("are refused for services without policies too, while there are any, and for none while there is none", () => {
    const other = { service: "com.acme.B", attachments: { path: "com.acme.A" } };
    const both = guardedConfig({ [KEY]: { policies: [denyDrop] }, "com.acme.B:1.0.0": {} });
    expect(outcome(both, other)).toMatch(/^attachment path/);
    expect(outcome(guardedConfig({ "com.acme.B:1.0.0": {} }), other)).toBe("passed");
  });
});

test("a frame that is only carried is denied unless every call is allowed", () => {
  const judged = (...policies: string[]) => {
    const config = guardedConfig({ [KEY]: { policies } });
    const decision = config.routes.decide("com.acme.A", "1.0.0", "")!.only!;
    return rulingOf({
      config,
      peer,
      decision,
      route: decision.fixed!,
      nowMs: 0,
      head: undefined,
      header: UNREADABLE,
      known: undefined,
    })?.denial?.reason;
  };
  expect(judged(denyDrop)).toBe("denied");
  expect(judged(allowGet)).toBe("denied");
  expect(judged(policyText("u", "{action: DENY, rules: [{when: [{key: 'request.headers[a]', values: ['1']}]}]}"))).toBe(
    "denied",
  );
  expect(judged(policyText("all", "{rules: [{}]}"))).toBeUndefined();
});

test("what is decided later of a call that is translated goes by the version that its provider takes it for, too", () => {
  const [old, young] = [signingKey("ES256", "old"), signingKey("ES256", "young")];
  const jwt = (...keys: SigningKey[]) =>
    `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt}\nspec: {jwtRules: [{issuer: i, jwks: '${keySet(...keys)}'}]}\n`;
  const denyTwo = policyText(
    "two",
    "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-version]', values: [2.0.0]}]}]}",
  );
  const token = tokenOf(young, { iss: "i", exp: Date.now() / 1_000 + 600 });
  const frame = encodeRequest({
    ...{ idHigh: 1, idLow: 2, twoWay: true, group: "", version: "1.0.0", interface: "com.acme.A", method: "get" },
    ...{ descriptor: "", args: [], attachments: { authorization: `Bearer ${token}` } },
  });
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  const later = (...served: string[]): Settled | undefined => {
    const stats = new AuthzStats(silentLogger, () => 0, new KeyWaits(() => {}));
    const guarded = guardedConfig({ [KEY]: { policies: [jwt(old), denyTwo] } }, stats);
    const config = { ...guarded, servedOf: () => served.map(parseServiceKey) };
    const decision = config.routes.decide("com.acme.A", "1.0.0", "get")!.only!;
    const header = headerLookup(head, decision.host.key, undefined);
    const route = decision.fixed!;
    const ruling = rulingOf({ config, peer, decision, route, head, header, nowMs: 0, known: undefined });
    let settled: Settled | undefined;
    const subject = { header, text: { headers: new Map() }, timeLeftMs: 1_000 } as unknown as Subject;
    ruling!.open!.get(route.targets[0]!)!.question!.ask(subject, (one) => {
      settled = one;
    });
    const typedPerFilterConfig = { [JWT_FILTER]: configsOf([jwt(old, young)])![JWT_FILTER]! };
    const resource = { name: "x", domains: [], routes: [], typedPerFilterConfig };
    const resources = [{ name: "x", version: "", resource }];
    stats.takeKeys([{ typeUrl: VIRTUAL_HOST_TYPE, resources, removedResources: [] }]);
    return settled;
  };
  expect(later(KEY)?.denial).toBeUndefined();
  expect(later("com.acme.A:2.0.0")?.denial?.message).toContain("is not certain");
});
