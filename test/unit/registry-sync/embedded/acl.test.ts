import { describe, expect, test } from "vitest";
import {
  checkAcl,
  digestIdentity,
  type Identity,
  isAllowed,
  maskAcl,
  resolveAcl,
} from "../../../../src/registry-sync/embedded/acl.ts";

const bob = digestIdentity(Buffer.from("bob:secret"));
const local: Identity = { scheme: "ip", id: "10.1.2.3" };
const acl = (scheme: string, id: string, perms = 31) => [{ perms, scheme, id }];

test("a digest identity is what a server stores for it", () => {
  // Seen in the ACL that a 3.8 server made of `auth` for bob:secret.
  const stored = Buffer.from("626f623a6679566d4643775662544a59727a6e6f5375316b6f7159455946303d", "hex").toString();
  expect(bob).toEqual({ scheme: "digest", id: stored });
});

describe("leave", () => {
  const rows = [
    { name: "world", entry: acl("world", "anyone"), who: [], is: true },
    { name: "world without the bit", entry: acl("world", "anyone", 1), who: [], is: false },
    { name: "the same digest", entry: acl("digest", bob.id), who: [local, bob], is: true },
    { name: "another digest", entry: acl("digest", "bob:x"), who: [local, bob], is: false },
    { name: "the address", entry: acl("ip", "10.1.2.3"), who: [local], is: true },
    { name: "its network", entry: acl("ip", "10.1.0.0/16"), who: [local], is: true },
    { name: "all networks", entry: acl("ip", "0.0.0.0/0"), who: [local], is: true },
    { name: "another network", entry: acl("ip", "10.2.0.0/16"), who: [local], is: false },
    {
      name: "an IPv6 caller of a network",
      entry: acl("ip", "10.1.0.0/16"),
      who: [{ scheme: "ip", id: "::1" }],
      is: false,
    },
    { name: "no entries at all", entry: [], who: [], is: true },
  ];
  test.each(rows)("by $name: $is", ({ entry, who, is }) => {
    expect(isAllowed(entry, 2, who)).toBe(is);
    if (is) checkAcl("/a", entry, 2, who);
    else expect(() => checkAcl("/a", entry, 2, who)).toThrow("no auth (-102) for /a");
  });
});

test("auth stands for whom the caller has proven to be, doubles are dropped", () => {
  expect(
    resolveAcl("/a", [...acl("auth", ""), ...acl("digest", bob.id), ...acl("world", "anyone", 1)], [local, bob]),
  ).toEqual([
    { perms: 31, ...bob },
    { perms: 1, scheme: "world", id: "anyone" },
  ]);
});

test.each([
  { name: "none", entries: [] },
  { name: "auth of nobody", entries: acl("auth", "") },
  { name: "an unknown scheme", entries: acl("foo", "x") },
  { name: "a digest without a colon", entries: acl("digest", "x") },
  { name: "half an address", entries: acl("ip", "1.2.3") },
  { name: "too wide a network", entries: acl("ip", "1.2.3.4/33") },
  { name: "a world of some", entries: acl("world", "some") },
])("an ACL of $name is refused", ({ entries }) => {
  expect(() => resolveAcl("/a", entries, [local])).toThrow("invalid acl");
});

test("a masked ACL has no hashes", () => {
  expect(maskAcl([...acl("digest", bob.id), ...acl("ip", "1.2.3.4")])).toEqual([
    ...acl("digest", "bob:x"),
    ...acl("ip", "1.2.3.4"),
  ]);
});
