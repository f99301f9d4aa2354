import { expect, test } from "vitest";
import type { Entry } from "../../../../src/model/entry.ts";
import { LedServices } from "../../../../src/registry-sync/present/led-services.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const dubbo = (_: Entry, __: string, protocol: string) => protocol === "dubbo";
const world = (size: number): Entry[] =>
  Array.from({ length: size }, (_, i) => entry(`com.acme.S${String(i).padStart(4, "0")}`, ["10.0.0.1", "10.0.0.2"]));

test("a service is led if it is for one of its applications and protocols", () => {
  const mixed = entry("a.A", [endpoint("10.0.0.1", { protocol: "rest" }), "10.0.0.2"]);
  const other = entry("b.B", [endpoint("10.0.0.1", { protocol: "rest" })]);
  expect(new LedServices().of([mixed, other, entry("c.C", [])], [], dubbo)).toEqual(new Set(["a.A"]));
});

test("however many services there are, a change asks for one, and what says the same is the same set", () => {
  for (const size of [10, 1_000]) {
    const led = new LedServices();
    const entries = world(size);
    let asked = 0;
    const counted = (one: Entry, application: string, protocol: string) => {
      asked++;
      return dubbo(one, application, protocol);
    };
    const basis = ["addresses"];
    const before = led.of(entries, basis, counted);
    asked = 0;
    const more = entries.with(5, entry("com.acme.S0005", ["10.0.0.1", "10.0.0.9"]));
    expect([led.of(more, ["addresses"], counted) === before, asked]).toEqual([true, 1]);
    const without = more.toSpliced(5, 1);
    const after = led.of(without, basis, counted);
    expect([after.size, after.has("com.acme.S0005")]).toEqual([size - 1, false]);
    expect(led.of(more, basis, counted)).toEqual(before);
  }
});

test("once anything else that decides it is another, all are asked again", () => {
  const led = new LedServices();
  const entries = world(3);
  expect(led.of(entries, ["one"], dubbo).size).toBe(3);
  expect(led.of(entries, ["other"], () => false).size).toBe(0);
});
