import { describe, expect, test } from "vitest";
import { type ServiceKey, serviceKey } from "../../../../src/model/service.ts";
import { entriesOfRuleHost, hostOf, readRuleHost } from "../../../../src/registry-sync/naming/naming.ts";
import fc from "../../../support/fast-check.ts";

const entryOf = (name: string, group = "", version = "") => {
  const service = serviceKey(name, group, version);
  return { host: hostOf(service), service, endpoints: [] };
};

describe("plain forms", () => {
  const rows: readonly (readonly [name: string, key: readonly [string, string, string], host: string])[] = [
    ["interface alone", ["com.acme.OrderService", "", ""], "com.acme.orderservice"],
    ["version", ["com.acme.OrderService", "", "1.0.0"], "com.acme.orderservice-1-0-0"],
    ["version with a word", ["com.acme.OrderService", "", "1.0.0.RELEASE"], "com.acme.orderservice-1-0-0-release"],
    ["version with a v", ["com.acme.OrderService", "", "v2"], "com.acme.orderservice-v2"],
    ["version 0.0.0 is none", ["com.acme.OrderService", "", "0.0.0"], "com.acme.orderservice"],
    ["group", ["com.acme.OrderService", "g", ""], "com.acme.orderservice-g"],
    ["group with a dot keeps it", ["com.acme.OrderService", "eu.west", ""], "com.acme.orderservice-eu.west"],
    ["interface without a package", ["Hello", "", ""], "hello"],
  ];
  test.each(rows)("%s", (_name, key, host) => {
    expect(hostOf(serviceKey(...key))).toBe(host);
  });
});

describe("forms that could be another key's end in a hash", () => {
  const rows: readonly (readonly [name: string, key: readonly [string, string, string], form: RegExp])[] = [
    ["group with version", ["a.B", "g", "1.0.0"], /^a\.b-g-1-0-0-[0-9a-f]{8}$/],
    ["dash in the group", ["a.B", "g-1", ""], /^a\.b-g-1-[0-9a-f]{8}$/],
    ["dash in the version", ["a.B", "", "1.0-SNAPSHOT"], /^a\.b-1-0-snapshot-[0-9a-f]{8}$/],
    ["dash in the interface", ["a.B-1", "", ""], /^a\.b-1-[0-9a-f]{8}$/],
    ["inner class", ["a.B$C", "", ""], /^a\.b-c-[0-9a-f]{8}$/],
    ["underscore", ["a.my_pkg.B", "", ""], /^a\.my-pkg\.b-[0-9a-f]{8}$/],
    ["underscore at an end", ["_a.B_", "", ""], /^a\.b-[0-9a-f]{8}$/],
    ["other letters", ["a.Été", "", ""], /^a\.t-[0-9a-f]{8}$/],
    ["empty label", ["a..B", "", ""], /^a\.b-[0-9a-f]{8}$/],
    ["a group like a version", ["a.B", "1.0.0", ""], /^a\.b-1\.0\.0-[0-9a-f]{8}$/],
    ["a version like a group", ["a.B", "", "beta"], /^a\.b-beta-[0-9a-f]{8}$/],
    ["a group like a hash", ["a.B", "deadbeef", ""], /^a\.b-deadbeef-[0-9a-f]{8}$/],
    ["a label of 64", [`a.${"b".repeat(64)}`, "", ""], /^a\.b{54}-[0-9a-f]{8}$/],
    ["over 253 in all", ["abcdefg.".repeat(40), "", ""], /^(abcdefg\.){30}abcd-[0-9a-f]{8}$/],
    ["nothing legal in it", ["$", "", ""], /^s-[0-9a-f]{8}$/],
  ];
  test.each(rows)("%s", (_name, key, form) => {
    expect(hostOf(serviceKey(...key))).toMatch(form);
  });
});

test("a hash does not move with the other services or the release", () => {
  expect(hostOf(serviceKey("peer.api.OrderService", "g", "1.0.0"))).toBe("peer.api.orderservice-g-1-0-0-2cf1b8ef");
});

const text = fc.stringMatching(/^[a-c0-1.$_-]{0,6}$/);
const key: fc.Arbitrary<ServiceKey> = fc
  .tuple(fc.stringMatching(/^[a-c.$_-]{1,8}$/), text, text)
  .map(([name, group, version]) => serviceKey(name, group, version));

test("every host is a legal DNS name of at most 253 characters", () => {
  const wide = fc.tuple(
    fc.string({ minLength: 1, maxLength: 400 }),
    fc.string({ maxLength: 90 }),
    fc.string({ maxLength: 90 }),
  );
  fc.assert(
    fc.property(wide, ([name, group, version]) => {
      const host = hostOf(serviceKey(name, group, version));
      expect(host.length).toBeLessThanOrEqual(253);
      for (const label of host.split(".")) expect(label).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    }),
  );
});

test("keys that differ have hosts that differ", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const same = JSON.stringify(a).toLowerCase() === JSON.stringify(b).toLowerCase();
      if (!same) expect(hostOf(a)).not.toBe(hostOf(b));
    }),
    { numRuns: 5_000 },
  );
});

describe("a rule's host", () => {
  const entry = entryOf("com.acme.OrderService", "", "1.0.0");
  const rows: readonly (readonly [name: string, host: string, reading: string | undefined])[] = [
    ["is the entry's host", "com.acme.orderservice-1-0-0", "host"],
    ["is the entry's host in any case", "com.acme.OrderService-1-0-0", "host"],
    ["is the plain interface", "com.acme.OrderService", "interface"],
    ["is the plain interface in any case", "COM.acme.orderservice", "interface"],
    ["is *", "*", "wildcard"],
    ["is a package with a star", "com.acme.*", "wildcard"],
    ["is a star with the tail of the interface", "*.OrderService", "wildcard"],
    ["is a star with the tail of the host", "*.orderservice-1-0-0", "wildcard"],
    ["is another version's host", "com.acme.orderservice-2-0-0", undefined],
    ["is another package with a star", "com.acm.*", undefined],
    ["is a star in the middle", "com.*.orderservice", undefined],
    ["is a star that would have to stand for nothing", "*.com.acme.orderservice", undefined],
  ];
  test.each(rows)("%s", (_name, host, reading) => {
    expect(readRuleHost(host, entry)).toBe(reading);
  });

  test("that is a plain name stands for all groups and versions", () => {
    const entries = [entryOf("a.B"), entryOf("a.B", "g"), entryOf("a.B", "g", "1.0"), entryOf("a.Bc")];
    expect(entriesOfRuleHost("a.B", entries).map(({ entry: one, reading }) => [one.host.slice(0, 5), reading])).toEqual(
      [
        ["a.b", "host"],
        ["a.b-g", "interface"],
        ["a.b-g", "interface"],
      ],
    );
  });
});
