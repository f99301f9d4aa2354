import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../../src/model/entry.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { hostOf } from "../../../../src/registry-sync/naming/naming.ts";
import {
  createNaming,
  isSpring,
  NAMING_STYLES,
  type NamedRegistry,
  type NamingStyle,
} from "../../../../src/registry-sync/naming/naming-styles.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const dubbo = [endpoint("10.0.0.1")];
const http = [endpoint("10.0.0.1:8080", { protocol: "http" })];
const order = "com.acme.OrderService";

/** The rows of docs/naming.md, and more. */
const rows: readonly (readonly [
  style: NamingStyle,
  registry: string | NamedRegistry,
  service: string,
  endpoints: readonly Endpoint[],
  host: string,
])[] = [
  ["trestle", "zookeeper", `${order}:1.0.0`, dubbo, "com.acme.orderservice-1-0-0"],
  ["trestle", "nacos", "order", http, "order"],
  ["dubbo2istio", "zookeeper", order, dubbo, "com.acme.orderservice"],
  ["dubbo2istio", "zookeeper", `g/${order}:1.0.0`, dubbo, "com.acme.orderservice-g-1-0-0"],
  ["dubbo2istio", "nacos", `${order}:1.0.0`, dubbo, "com.acme.orderservice-1-0-0"],
  [
    "dubbo2istio",
    { scheme: "nacos", group: "DUBBO", namespace: "Test" },
    `${order}:1.0.0`,
    dubbo,
    "com.acme.orderservice-1-0-0.dubbo.test",
  ],
  [
    "dubbo2istio",
    { scheme: "nacos", group: "DEFAULT_GROUP", namespace: "public" },
    order,
    dubbo,
    "com.acme.orderservice",
  ],
  ["slime", "zookeeper", order, dubbo, "com.acme.OrderService"],
  ["slime", "zookeeper", `g/${order}`, dubbo, "com.acme.OrderService:g"],
  ["slime", "zookeeper", `g/${order}:1.0.0`, dubbo, "com.acme.OrderService:g:1.0.0"],
  ["slime", "embedded", `${order}:1.0.0`, dubbo, "com.acme.OrderService::1.0.0"],
  ["slime", "nacos", "Order_Center", http, "order-center.nacos.svc.cluster.local"],
  ["slime", "nacos", `${order}:1.0.0`, dubbo, "providers:com.acme.orderservice:1.0.0:.nacos.svc.cluster.local"],
  ["slime", "eureka", "ORDER_CENTER", http, "order-center.eureka.svc.cluster.local"],
  ["higress", "zookeeper", `g/${order}:1.0.0`, dubbo, "providers:com.acme.OrderService:1.0.0:g.zookeeper"],
  ["higress", "zookeeper", order, dubbo, "providers:com.acme.OrderService:0.0.0:.zookeeper"],
  ["higress", "zookeeper", "order", http, "order.services.zookeeper"],
  ["higress", "nacos", "order", http, "order.DEFAULT-GROUP.public.nacos"],
  ["higress", { scheme: "nacos", namespace: "my_ns" }, "MY_GROUP/order_a", http, "order_a.MY-GROUP.my-ns.nacos"],
  ["higress", "nacos", `${order}:1.0.0`, dubbo, "providers:com.acme.OrderService:1.0.0:.DEFAULT-GROUP.public.nacos"],
  ["higress", "eureka", "order", http, "ORDER.eureka"],
  ["nacos-istio", "nacos", "order", http, "order.DEFAULT-GROUP.public.nacos"],
  ["nacos-istio", { scheme: "nacos", namespace: "my_ns" }, "MY_GROUP/order", http, "order.MY_GROUP.my_ns.nacos"],
  [
    "nacos-istio",
    "nacos",
    `g/${order}:1.0.0`,
    dubbo,
    "providers:com.acme.OrderService:1.0.0:g.DEFAULT-GROUP.public.nacos",
  ],
  [
    "nacos-istio",
    "nacos",
    "order",
    [endpoint("10.0.0.1:8080", { protocol: "http", params: { "istio.hostname": "order.shop" } })],
    "order.shop.nacos",
  ],
];

test.each(rows)("%s, %j: %s", (style, registry, service, endpoints, host) => {
  const named = typeof registry === "string" ? { scheme: registry } : registry;
  expect(createNaming(style, named)(entry(service, endpoints))).toBe(host);
});

test.each([
  ["dubbo2istio", "nacos", "order", http],
  ["slime", "zookeeper", "order", http],
  ["slime", "kubernetes", "order.shop", http],
  ["higress", "file", order, dubbo],
  ["nacos-istio", "zookeeper", order, dubbo],
  ["nacos-istio", "eureka", "order", http],
] as const)("%s has no form of its own for %s: %s", (style, scheme, service, endpoints) => {
  const one = entry(service, endpoints);
  expect(createNaming(style, { scheme })(one)).toBe(hostOf(one.service));
});

describe("Spring Cloud is told from Dubbo by its endpoints", () => {
  const key = (name: string) => serviceKey(name);
  test.each([
    ["http alone", { service: key("a.B"), endpoints: http }, true],
    ["https", { service: key("a"), endpoints: [endpoint("x", { protocol: "https" })] }, true],
    [
      "Dubbo's own http",
      { service: key("a.B"), endpoints: [endpoint("x", { protocol: "http", params: { interface: "a.B" } })] },
      false,
    ],
    ["dubbo", { service: key("order"), endpoints: dubbo }, false],
    ["a name with dots and no endpoint", { service: key("a.B"), endpoints: [] }, false],
    ["a name without and no endpoint", { service: key("order"), endpoints: [] }, true],
  ])("%s", (_name, one, expected) => {
    expect(isSpring(one)).toBe(expected);
  });
});

test("docs/naming.md names every style and every host of these rows", () => {
  const text = readFileSync(new URL("../../../../docs/naming.md", import.meta.url), "utf8");
  for (const style of NAMING_STYLES) expect(text).toContain(`\`${style}\``);
  for (const [, , , , host] of rows) expect(text, host).toContain(`\`${host}\``);
});
