import { expect, test } from "vitest";
import {
  isIdentity,
  MAX_SPIFFE_BYTES,
  parseIdentity,
  printIdentity,
  printPrincipal,
} from "../../../src/model/identity.ts";

const orders = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "orders" };

test("an identity is printed and read as SPIFFE has it, and as principals have it", () => {
  expect(printIdentity(orders)).toBe("spiffe://cluster.local/ns/shop/sa/orders");
  expect(printPrincipal(orders)).toBe("cluster.local/ns/shop/sa/orders");
  expect(parseIdentity(printIdentity(orders))).toEqual(orders);
});

const WRONG: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["another scheme", "https://cluster.local/ns/shop/sa/orders"],
  ["no account", "spiffe://cluster.local/ns/shop"],
  ["an empty account", "spiffe://cluster.local/ns/shop/sa/"],
  ["one part more", "spiffe://cluster.local/ns/shop/sa/orders/x"],
  ["another path", "spiffe://cluster.local/namespace/shop/sa/orders"],
  ["a trust domain in capitals", "spiffe://Cluster.local/ns/shop/sa/orders"],
  ["a port", "spiffe://cluster.local:80/ns/shop/sa/orders"],
  ["a user", "spiffe://me@cluster.local/ns/shop/sa/orders"],
  ["an empty trust domain", "spiffe:///ns/shop/sa/orders"],
  ["a query", "spiffe://cluster.local/ns/shop/sa/orders?a"],
  ["percent signs", "spiffe://cluster.local/ns/shop/sa/%6frders"],
  ["a dot for a namespace", "spiffe://cluster.local/ns/./sa/orders"],
  ["two dots for an account", "spiffe://cluster.local/ns/shop/sa/.."],
  ["a line break", "spiffe://cluster.local/ns/shop/sa/orders\n"],
  ["too many bytes", `spiffe://cluster.local/ns/shop/sa/${"a".repeat(MAX_SPIFFE_BYTES)}`],
];

test.each(WRONG)("%s is no identity", (_, uri) => {
  expect(parseIdentity(uri)).toBeUndefined();
});

test("a part that a SPIFFE id can't hold makes no identity", () => {
  expect(isIdentity(orders)).toBe(true);
  expect(isIdentity({ ...orders, serviceAccount: "eyJ/.." })).toBe(false);
  expect(isIdentity({ ...orders, namespace: "a".repeat(254) })).toBe(false);
});
