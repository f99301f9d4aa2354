import { expect, test } from "vitest";
import { type RawCaller, resolveCallers } from "../../../../src/cli/config/callers.ts";

function resolved(...items: RawCaller[]) {
  const faults: string[] = [];
  const env = { PASSWORD: "open-sesame" };
  const callers = resolveCallers(items, "cluster.local", env, (path, message) => faults.push(`${path}: ${message}`));
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

test.each<[string, RawCaller[], string]>([
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
