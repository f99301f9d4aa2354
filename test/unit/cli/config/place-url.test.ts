import { expect, test } from "vitest";
import { kubernetesQueryFault, parsePlaceUrl } from "../../../../src/cli/config/place-url.ts";
import { resolveRegistry } from "../../../../src/cli/config/registries.ts";

test.each([
  ["file:///etc/services", "/etc/services", {}],
  ["file://./services.yaml", "./services.yaml", {}],
  ["file://a%20b/c", "a b/c", {}],
  ["kubernetes://", "", {}],
  ["kubernetes:///home/me/config?namespace=a,b&context=c", "/home/me/config", { namespace: "a,b", context: "c" }],
  ["memory://m", "m", {}],
])("%s is a place", (text, path, query) => {
  expect(parsePlaceUrl(text)).toEqual({
    scheme: text.split(":")[0],
    username: "",
    password: "",
    hosts: [],
    path,
    query,
  });
});

test.each([
  ["file://", "names no place"],
  ["memory://?x=1", "names no place"],
  ["file://a%zz", "no %XX"],
  ["file://a%00b", "NUL"],
  ["file", "no URL"],
])("%s is none", (text, fault) => {
  expect(parsePlaceUrl(text)).toContain(fault);
});

test.each([
  ["namespace", "shop,a-1", undefined],
  ["namespace", "shop,", '"" is no name of a namespace'],
  ["namespace", "../x", '"../x" is no name of a namespace'],
  ["context", "", "context is empty; leave it out"],
  ["selector", "app=a,!b", undefined],
])("%s=%s", (name, value, fault) => {
  expect(kubernetesQueryFault(name, value)).toBe(fault);
});

test("a registry of a place has its path, and a name by it; it takes no credentials and no other parameters", () => {
  const faults: string[] = [];
  const resolve = (url: string, more = {}) =>
    resolveRegistry({ url, ...more }, "registries[0]", { PW: "x" }, (path, message) =>
      faults.push(`${path}: ${message}`),
    );
  expect(resolve("file://./services")).toMatchObject({
    name: "file-./services",
    scheme: "file",
    hosts: [],
    chroot: "./services",
  });
  expect(resolve("kubernetes://?namespace=shop")).toMatchObject({ name: "kubernetes", query: { namespace: "shop" } });
  expect(faults).toEqual([]);
  resolve("file://x?y=1", { auth: { username: "u", passwordEnv: "PW" } });
  expect(faults).toEqual([
    "registries[0].auth: a registry of file:// takes no credentials here",
    'registries[0].url: unknown parameter "y"; known here: ',
  ]);
});
