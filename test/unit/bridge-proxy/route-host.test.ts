import { expect, test } from "vitest";
import { Host, HostParts, keysOf } from "../../../src/bridge-proxy/route-host.ts";
import { parseServiceKey } from "../../../src/model/service.ts";

const host = (name: string, ...domains: string[]) => ({ name, domains, routes: [] });

test.each([
  [host("com.acme.a", "com.acme.a", "com.acme.A:1.0.0"), ["com.acme.A"], false],
  [host("com.acme.A", "com.acme.A"), ["com.acme.A"], false],
  [host("in", "*"), [], true],
])("%o is for the services of its domains", (virtualHost, interfaces, isForAny) => {
  const keys = keysOf(virtualHost);
  expect([keys.keys.map((key) => key.interface), keys.isForAny]).toEqual([interfaces, isForAny]);
  expect(keysOf(virtualHost)).toBe(keys);
});

test("parts are made once, when first asked for, for all hosts of the virtual host", () => {
  let made = 0;
  const parts = new HostParts("h", { routes: () => [++made], policies: undefined, limits: undefined });
  const [one, other] = ["a", "b"].map((text) => new Host(parseServiceKey(text), parts));
  expect(made).toBe(0);
  expect([one!.routes, other!.routes, one!.host, other!.key.interface]).toEqual([[1], [1], "h", "b"]);
  expect([one!.policies, one!.limits, made]).toEqual([undefined, undefined, 1]);
});
