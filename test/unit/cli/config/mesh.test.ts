import { expect, test } from "vitest";
import { localityIn, nameIn, resolveMesh } from "../../../../src/cli/config/mesh.ts";

function faultsOf(work: (fail: (path: string, message: string) => void) => unknown): string[] {
  const faults: string[] = [];
  work((path, message) => faults.push(`${path}: ${message}`));
  return faults;
}

test("a mesh that says nothing has Istio's defaults", () => {
  expect(resolveMesh({}, () => {})).toEqual({
    namespace: "default",
    rootNamespace: "istio-system",
    trustDomain: "cluster.local",
    extensionProviders: [],
  });
});

test("what is said stands before the defaults", () => {
  expect(resolveMesh({ namespace: "shop" }, () => {})).toMatchObject({
    namespace: "shop",
    rootNamespace: "istio-system",
  });
});

test("a name that is none is a fault of its key", () => {
  expect(faultsOf((fail) => resolveMesh({ namespace: "Shop", trustDomain: "a//b" }, fail))).toEqual([
    'mesh.trustDomain: "a//b" is no trust domain; it is made of lower case letters, digits, - and .',
    'mesh.namespace: "Shop" is no name; it is made of lower case letters, digits, - and .',
  ]);
  expect(faultsOf((fail) => nameIn("-x", "proxy.serviceAccount", fail))).toHaveLength(1);
});

test("a locality is read in up to three parts", () => {
  expect(localityIn(undefined)).toEqual({});
  expect(localityIn("r/z")).toEqual({ locality: { region: "r", zone: "z", subZone: "" } });
});
