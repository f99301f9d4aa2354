import { expect, test } from "vitest";
import {
  FACADE_SCHEMES,
  facadeSchemeOf,
  isFacadeScheme,
  LATER_SCHEMES,
  REGISTRY_SCHEMES,
  schemeShape,
} from "../../../../src/cli/config/registry-schemes.ts";

test("what is spoken is not put off as well", () => {
  for (const scheme of LATER_SCHEMES) expect(schemeShape(scheme), scheme).toBeUndefined();
});

test("a facade's protocol is one of the registries'", () => {
  for (const scheme of FACADE_SCHEMES) expect(REGISTRY_SCHEMES[scheme], scheme).toBeDefined();
});

test("the embedded registry speaks ZooKeeper's protocol", () => {
  expect(facadeSchemeOf("embedded")).toBe("zookeeper");
  expect(facadeSchemeOf("nacos")).toBe("nacos");
});

test.each(["redis", "toString", ""])("%j is no scheme", (scheme) => {
  expect(schemeShape(scheme)).toBeUndefined();
  expect(isFacadeScheme(scheme)).toBe(false);
});
