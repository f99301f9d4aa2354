import { expect, test } from "vitest";
import { serviceKey } from "../../../../src/model/service.ts";
import { compileTake, type TakeOptions } from "../../../../src/registry-sync/present/take.ts";

const orders = serviceKey("com.acme.Orders", "g", "1.0.0");

test.each<[string, TakeOptions, string | undefined]>([
  ["everything unless told", {}, undefined],
  ["a service that is named", { take: { services: ["com.acme.*"], applications: ["*"] } }, undefined],
  ["a whole key", { take: { services: ["g/com.acme.Orders:1.0.0"], applications: ["*"] } }, undefined],
  [
    "not another service",
    { take: { services: ["com.other.*"], applications: ["*"] } },
    "not taken by the service filter",
  ],
  [
    "not of another application",
    { take: { services: ["*"], applications: ["web"] } },
    "not taken by the application filter",
  ],
  ["not what passes", { pass: ["com.acme.Orders"] }, "bypassed"],
  ["nothing when all is bypassed", { bypass: { all: true, services: [] } }, "bypassed"],
  ["not what is bypassed by its key", { bypass: { all: false, services: ["g/com.acme.Orders:1.0.0"] } }, "bypassed"],
])("takes %s", (_, options, reason) => {
  expect(compileTake(options)(orders, "shop")).toBe(reason);
});
