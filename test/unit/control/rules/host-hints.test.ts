import { expect, test } from "vitest";
import { createHostHints } from "../../../../src/control/rules/host-hints.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const entries = [
  entryOf("com.acme.OrderService:1.0.0", ["dubbo://10.0.0.1:20880"]),
  entryOf("g/com.acme.StockService", ["dubbo://10.0.0.1:20880"]),
  entryOf("shop", ["http://10.0.0.1:8080"]),
];

test.each([
  ["OrderService", "com.acme.OrderService"],
  ["com.acme.OrderServise", "com.acme.OrderService"],
  ["com.acme.OrderService:1.0.0", "com.acme.orderservice-1-0-0"],
  ["shop.default", "shop"],
  ["SHOP.default.svc.cluster.local", "shop"],
  ["shpo", "shop"],
  ["stockservice", "com.acme.StockService"],
])("%s may mean %s", (host, name) => {
  expect(createHostHints(entries)(host)).toBe(`; did you mean "${name}"?`);
});

test.each(["com.acme.PayService", "*.shop", "shop.example.com", "x", "com.acme.X"])(
  "%s means nothing that is known",
  (host) => {
    expect(createHostHints(entries)(host)).toBe("");
  },
);

test("services are looked through for so many hosts and no more", () => {
  const hint = createHostHints(entries);
  for (let i = 0; i < 50; i++) expect(hint("shpo")).not.toBe("");
  expect(hint("shpo")).toBe("");
});
