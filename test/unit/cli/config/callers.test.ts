import { expect, test } from "vitest";
import { type RawCaller, resolveCallers } from "../../../../src/cli/config/callers.ts";

const of = {
  trustDomain: "cluster.local",
  registries: [
    { name: "zk", scheme: "zookeeper" },
    { name: "na", scheme: "nacos" },
  ],
} as const;

function resolved(...items: RawCaller[]) {
  const faults: string[] = [];
  const env = { PASSWORD: "open-sesame" };
  const callers = resolveCallers(items, of, env, (path, message) => faults.push(`${path}: ${message}`));
  return { callers, faults };
}

test("callers are somebody by their addresses, or by a login", () => {
  const items = [
    { identity: "shop/web", addresses: ["10.0.3.0/24", "10.0.4.7"] },
    { identity: "shop/batch", username: "batch", passwordEnv: "PASSWORD" },
  ];
  expect(resolved(...items)).toEqual({
    callers: [
      { identity: "spiffe://cluster.local/ns/shop/sa/web", addresses: ["10.0.3.0/24", "10.0.4.7"] },
      {
        identity: "spiffe://cluster.local/ns/shop/sa/batch",
        addresses: [],
        login: { username: "batch", password: "open-sesame" },
      },
    ],
    faults: [],
  });
});

test("a user of a Nacos is checked there, and may have the name of another here", () => {
  const items = [
    { identity: "shop/batch", username: "batch", passwordEnv: "PASSWORD" },
    { identity: "shop/web", username: "batch", registry: "na" },
  ];
  const { callers, faults } = resolved(...items);
  expect(faults).toEqual([]);
  expect(callers.map(({ login }) => login)).toEqual([
    { username: "batch", password: "open-sesame" },
    { username: "batch", registry: "na" },
  ]);
});

test.each<[string, RawCaller[], string]>([
  [
    "a registry without a user",
    [{ identity: "shop/web", registry: "na", addresses: ["10.0.0.1"] }],
    "callers[0].registry: is of no use",
  ],
  [
    "no such registry",
    [{ identity: "shop/web", registry: "no", username: "u" }],
    'callers[0].registry: there is no registry "no"',
  ],
  ["no Nacos", [{ identity: "shop/web", registry: "zk", username: "u" }], 'callers[0].registry: "zk" is no nacos'],
  [
    "a password beside a registry",
    [{ identity: "shop/web", registry: "na", username: "u", passwordEnv: "PASSWORD" }],
    'callers[0].passwordEnv: the password is checked by registry "na"',
  ],
  [
    "one user of a registry twice",
    [
      { identity: "shop/web", registry: "na", username: "u" },
      { identity: "shop/app", registry: "na", username: "u" },
    ],
    "callers[1].username: u is that of callers[0] already",
  ],
  ["no account", [{ identity: "web", addresses: ["10.0.0.1"] }], "callers[0].identity: "],
  ["no range", [{ identity: "shop/web", addresses: ["10.0.0.0/33"] }], "callers[0].addresses[0]: "],
  ["nobody", [{ identity: "shop/web" }], "callers[0]: nobody can be it"],
  [
    "one range twice",
    [
      { identity: "shop/web", addresses: ["10.0.0.1"] },
      { identity: "shop/app", addresses: ["10.0.0.1"] },
    ],
    "callers[1].addresses[0]: 10.0.0.1 stands in callers[0] already",
  ],
  ["no password", [{ identity: "shop/web", username: "web" }], "passwordFile or passwordEnv is missing"],
  [
    "one user twice",
    [
      { identity: "shop/web", username: "web", passwordEnv: "PASSWORD" },
      { identity: "shop/app", username: "web", passwordEnv: "PASSWORD" },
    ],
    "callers[1].username: web is that of callers[0] already",
  ],
])("%s is refused", (_, items, message) => {
  expect(resolved(...items).faults).toEqual([expect.stringContaining(message)]);
});
