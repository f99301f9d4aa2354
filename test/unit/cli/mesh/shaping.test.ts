import { expect, test } from "vitest";
import type { RegistryConfig } from "../../../../src/cli/config/config.ts";
import { embeddedRegistry } from "../../../../src/cli/config/registries.ts";
import { resolveShaping } from "../../../../src/cli/config/shaping.ts";
import { controllerParts, guardOf, hostOfRule, serviceEntryStyle, shaped } from "../../../../src/cli/mesh/shaping.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { createMemorySource } from "../../../../src/registry-sync/sources/memory.ts";
import { addresses, endpoint, entry, world } from "../../../support/worlds.ts";

const registry = (more: Partial<RegistryConfig> = {}): RegistryConfig => ({
  ...embeddedRegistry(),
  name: "r",
  ...more,
});

test("a source of which nothing is said stays as it is", () => {
  const source = createMemorySource("r");
  expect(shaped(source, registry(), { naming: "trestle" })).toBe(source);
  expect(shaped(source, registry({ scheme: "kubernetes" }), { naming: "higress" })).toBe(source);
});

test("the group and namespace of a Nacos registry go into the names of its services", () => {
  const nacos = registry({ scheme: "nacos", query: { group: "MY_GROUP", namespace: "dev" } });
  const source = shaped(createMemorySource("r"), nacos, { naming: "higress" });
  const spring = entry("order", [endpoint("10.0.0.1", { protocol: "http" })]);
  expect(source.hostOf?.(entry("a.B", ["10.0.0.1"]))).toBe("providers:a.b::.my-group.dev.nacos");
  expect(source.hostOf?.(spring)).toBe("order.default-group.dev.nacos");
});

test("services have the guard that the first pattern that fits gives them", () => {
  const shaping = resolveShaping(
    { guard: { services: { "a.B": { hold: "0s" }, "g/*": { hold: "0s" }, "a.*": { hold: "1m" } } } },
    undefined,
    "",
    () => {},
  );
  const guard = guardOf({ shaping });
  const of = (count: number) => ["a.B", "g/c.C", "a.D"].map((name) => entry(name, addresses(count)));
  guard.update(world("r", ...of(10)), 0);
  guard.update(world("r", ...of(10)), 1_000_000);
  const { world: after } = guard.update(world("r", ...of(1)), 2_000_000);
  expect(after.entries.map(({ endpoints }) => endpoints.length)).toEqual([1, 10, 1]);
  expect(after.entries.map(({ service }) => service.interface)).toEqual(["a.B", "a.D", "c.C"]);
});

test("a service of a rule alone is named as in the first registry", () => {
  const registries = [registry()];
  expect(hostOfRule({ naming: "slime", registries })(serviceKey("a.B", "", "1.0"))).toBe("a.b::1.0");
  expect(hostOfRule({ naming: "trestle", registries })(serviceKey("a.B", "", "1.0"))).toBe("a.b-1-0");
});

test("the controller has each registry's guard, and looks for names only where styles need it", () => {
  const parts = controllerParts({ naming: "trestle", registries: [registry()] });
  expect(parts.namesByRegistry).toBe(false);
  expect(controllerParts({ naming: "slime", registries: [] }).namesByRegistry).toBe(true);
  expect(parts.guardOf!("r")).not.toBe(parts.guardOf!("r"));
  expect(parts.guardOf!("other").update(world("other"), 0).held).toBe(0);
});

test("ServiceEntries know the kind of each registry", () => {
  const { style, schemeOf } = serviceEntryStyle({ naming: "higress", registries: [registry({ scheme: "nacos" })] });
  expect([style, schemeOf("r"), schemeOf("x")]).toEqual(["higress", "nacos", ""]);
});
