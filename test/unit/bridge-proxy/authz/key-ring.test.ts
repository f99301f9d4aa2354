import { expect, test } from "vitest";
import { KeyRing, providersIn } from "../../../../src/bridge-proxy/authz/key-ring.ts";
import { JWT_FILTER, type JwtProvider } from "../../../../src/codecs/xds/authz.ts";
import { CLUSTER_TYPE, ROUTE_TYPE, VIRTUAL_HOST_TYPE } from "../../../../src/codecs/xds/resources.ts";
import { keySet, signingKey } from "../../../support/tokens.ts";

const [one, two] = [signingKey("ES256", "one"), signingKey("ES256", "two")];
const provider = (key = one, issuer = "i"): JwtProvider => ({ issuer, localJwks: { inlineString: keySet(key) } });

test("what was compiled with older keys has the newer ones", () => {
  const ring = new KeyRing();
  const slot = ring.slot("p", provider());
  const { id } = slot.current;
  expect(ring.take([["p", provider()]]).size).toBe(0);
  expect(slot.current.id).toBe(id);
  const came = ring.take([["p", provider(two)]]);
  expect([...came].map(([issuer, keys]) => [issuer, keys.map((key) => key.id)])).toEqual([["i", ["two"]]]);
  expect(slot.current.rules.keys.map((key) => key.id)).toEqual(["two"]);
  expect(slot.current.id).not.toBe(id);
  // One that is compiled late from what was in force before takes nothing back.
  expect(ring.slot("p", provider())).toBe(slot);
  expect(slot.current.text).toBe(keySet(two));
});

test("another name, issuer or audience is another provider", () => {
  const ring = new KeyRing();
  const slots = [
    ring.slot("p", provider()),
    ring.slot("q", provider()),
    ring.slot("p", provider(one, "j")),
    ring.slot("p", { ...provider(), audiences: ["a"] }),
  ];
  expect(new Set(slots).size).toBe(4);
  expect(new Set(slots.map(({ current }) => current.id)).size).toBe(4);
  expect(ring.take([["new", provider()]]).size).toBe(0);
});

test("providers stand in virtual hosts, by themselves and in routes", () => {
  const host = (name: string) => ({
    name,
    resource: { typedPerFilterConfig: { [JWT_FILTER]: { providers: { [name]: provider() } } } },
    version: "",
  });
  const of = (typeUrl: string, resources: readonly object[]) => ({
    typeUrl,
    version: "",
    resources,
    removedResources: [],
  });
  const changes = [
    of(CLUSTER_TYPE, [host("no")]),
    of(VIRTUAL_HOST_TYPE, [host("a"), { name: "b", version: "", resource: {} }]),
    of(ROUTE_TYPE, [{ name: "r", version: "", resource: { virtualHosts: [host("c").resource] } }]),
  ] as unknown as Parameters<typeof providersIn>[0];
  expect([...providersIn(changes)].map(([name]) => name)).toEqual(["a", "c"]);
});
