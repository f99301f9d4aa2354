import { expect, test } from "vitest";
import { compileClientFilter } from "../../../../src/registry-sync/facades/client-filter.ts";

const passes = compileClientFilter(["10.0.1.0/24", "10.0.2.7", "admin-*", "::1"]);

test.each([
  [{ address: "10.0.1.9" }, true],
  [{ address: "10.0.2.7" }, true],
  [{ address: "::ffff:10.0.2.7" }, true],
  [{ address: "10.0.2.8" }, false],
  [{ address: "::1" }, true],
  [{ application: "admin-ui" }, true],
  [{ address: "10.0.2.8", application: "shop" }, false],
  [{ application: "10.0.2.7" }, false],
  [{}, false],
])("%j passes: %s", (client, expected) => {
  expect(passes(client)).toBe(expected);
});

test("an empty list names nobody", () => {
  expect(compileClientFilter([])({ address: "10.0.0.1", application: "shop" })).toBe(false);
});
