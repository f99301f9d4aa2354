import { expect, test } from "vitest";
import { destinationOf, hostOfRef, readRef } from "../../../../../src/control/rules/gateway-api/refs.ts";

const at = { position: { file: "r.yaml", line: 1, column: 1 }, fields: {} };

test.each([
  [
    "of the route's own namespace where it names none",
    { name: "a" },
    { kind: "Service", name: "a", namespace: "shop" },
  ],
  ["of another namespace", { name: "a", namespace: "b" }, { kind: "Service", name: "a", namespace: "b" }],
  [
    "of a ServiceEntry",
    { group: "networking.istio.io", kind: "ServiceEntry", name: "a" },
    { kind: "ServiceEntry", name: "a", namespace: "shop" },
  ],
])("a reference is %s", (_, ref, read) => {
  expect(readRef({ at, ...ref }, "shop", "", "Service")).toEqual({ at, ...read });
});

test("what does not count is named by group and kind", () => {
  expect(readRef({ at, name: "edge" }, "shop", "gateway.networking.k8s.io", "Gateway")).toBe(
    "gateway.networking.k8s.io/Gateway",
  );
});

test("a Service's host is its DNS name, a ServiceEntry's its name", () => {
  expect(hostOfRef({ at, kind: "Service", name: "a", namespace: "shop" })).toBe("a.shop.svc.cluster.local");
  expect(destinationOf({ at, kind: "ServiceEntry", name: "com.acme.a", namespace: "shop" }, 80)).toMatchObject({
    ...{ host: "com.acme.a", port: { number: 80 } },
  });
});
