import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { type CallFacts, callFacts, copyFacts } from "../../../../src/bridge-proxy/dubbo/call-facts.ts";
import { compileHash } from "../../../../src/bridge-proxy/policies/hash.ts";
import type { CompiledRoute, HostDecision } from "../../../../src/bridge-proxy/route.ts";
import type { RequestView } from "../../../../src/codecs/dubbo2/request-view.ts";

const key = { interface: "a.B", group: "", version: "" };
const decision = { method: "get", host: { key } } as unknown as HostDecision;
const config = { applicationOf: () => "web", tagOf: () => "blue", callerOf: () => ({ site: "east" }) };
const said: Readonly<Record<string, string>> = { "dubbo.tag": "gray", "dubbo.force.tag": "true", user: "7" };
const attachments = { get: (name: string) => said[name], getIgnoreCase: (name: string) => said[name] };
const head = { attachments: () => attachments } as unknown as RequestView;

function facts(cluster: object, of: RequestView | null = head, hash = compileHash(undefined)) {
  const route = { targets: [{ cluster }], hash } as unknown as Parameters<typeof callFacts>[1];
  return callFacts(of ?? undefined, route, decision, config, "10.0.0.9");
}

test("what no destination asks for is not read", () => {
  const unread = { attachments: () => expect.fail("read") } as unknown as RequestView;
  expect(facts({ hasTags: false }, unread)).toEqual({ tag: "", tagForced: false, routed: undefined, hash: undefined });
});

test("a tag is read where the destination has tags, else the consumer's own counts", () => {
  expect(facts({ hasTags: true })).toMatchObject({ tag: "gray", tagForced: true });
  expect(facts({ hasTags: true }, null)).toMatchObject({ tag: "blue", tagForced: false });
});

test("routers are told of the call and of its caller", () => {
  const { routed } = facts({ hasTags: false, callKeys: ["attachments[user]", "application", "site"] });
  expect(["attachments[user]", "application", "site", "method"].map((name) => routed?.(name))).toEqual([
    "7",
    "web",
    "east",
    undefined,
  ]);
});

test("copies are led by what their own routes ask for; one that cannot be read has nothing", () => {
  const routes = ["a", "b"].map((name) => ({ name }) as unknown as CompiledRoute);
  const mirrors = routes.map((route) => ({ share: 1, route }));
  const made = copyFacts({ mirrors }, ({ name }) => {
    if (name === "b") throw new ProtocolError("dubbo2", "no");
    return { tag: name } as unknown as CallFacts;
  });
  expect([...made!.values()]).toEqual([{ tag: "a" }]);
  expect(copyFacts({ mirrors: undefined }, () => expect.fail("asked"))).toBeUndefined();
});
