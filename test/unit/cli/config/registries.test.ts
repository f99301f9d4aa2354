import { expect, test } from "vitest";
import {
  embeddedRegistry,
  type RawFacade,
  resolveFacade,
  resolveRegistry,
} from "../../../../src/cli/config/registries.ts";

function registry(url: string, auth?: { username: string; passwordFile?: string; passwordEnv?: string }) {
  const faults: string[] = [];
  const fail = (path: string, message: string) => void faults.push(`${path}: ${message}`);
  const value = resolveRegistry({ url, ...(auth && { auth }) }, "registries[0]", { SECRET: "s3", EMPTY: "" }, fail);
  return { value, faults };
}

test("a registry's URL says hosts, chroot and root", () => {
  expect(registry("zookeeper://u:p@a:1,b/chroot?root=/dubbo2")).toEqual({
    value: {
      name: "zookeeper-a:1",
      scheme: "zookeeper",
      hosts: ["a:1", "b:2181"],
      chroot: "/chroot",
      root: "/dubbo2",
      username: "u",
      password: "p",
    },
    faults: [],
  });
});

test.each([
  ["zookeeper://a", "/dubbo", ["a:2181"]],
  ["zookeeper://a?group=other", "/other", ["a:2181"]],
  ["zookeeper://a?root=other/", "/other", ["a:2181"]],
  ["zookeeper://a:1?backup=b:2,c", "/dubbo", ["a:1", "b:2", "c:2181"]],
])("%s", (url, root, hosts) => {
  expect(registry(url)).toMatchObject({ value: { root, hosts }, faults: [] });
});

test.each([
  ["a:2181", 'registries[0].url: "a:2181" is no URL of the form scheme://host:port'],
  ["nacos://a:8848", "registries[0].url: a registry of nacos:// is not supported yet; zookeeper:// is"],
  ["memory://a", "registries[0].url: a registry of memory:// is not supported yet; zookeeper:// is"],
  ["redis://a:6379", 'registries[0].url: unknown registry scheme "redis"; zookeeper:// is supported'],
  ["zookeeper://a?timeout=1", 'registries[0].url: unknown parameter "timeout"; known here: root, group, backup'],
  ["zookeeper://a?backup=b,", 'registries[0].url: "" in backup is no host:port'],
])("%s is refused", (url, fault) => {
  expect(registry(url).faults).toEqual([fault]);
});

test("a password comes from the environment", () => {
  expect(registry("zookeeper://a", { username: "u", passwordEnv: "SECRET" })).toMatchObject({
    value: { username: "u", password: "s3" },
    faults: [],
  });
});

test.each([
  [{ passwordEnv: "EMPTY" }, "registries[0].auth.passwordEnv: environment variable EMPTY is not set"],
  [{}, "registries[0].auth: passwordFile or passwordEnv is missing"],
  [{ passwordEnv: "SECRET", passwordFile: "f" }, "registries[0].auth: passwordFile and passwordEnv exclude each other"],
  [
    { passwordFile: "/nowhere/secret" },
    "registries[0].auth.passwordFile: cannot read /nowhere/secret: there is no such file",
  ],
])("credentials %j are refused", (auth, fault) => {
  expect(registry("zookeeper://a", { username: "u", ...auth }).faults).toEqual([fault]);
});

test("credentials in the URL and beside it are one too many", () => {
  expect(registry("zookeeper://u:p@a", { username: "u", passwordEnv: "SECRET" }).faults).toEqual([
    "registries[0].auth: credentials stand in the URL too; give them once",
  ]);
});

const names = (...list: string[]) => list.map((name) => ({ ...embeddedRegistry(), name }));

function facade(raw: RawFacade, registries = names("one"), index = 0) {
  const faults: string[] = [];
  const fail = (path: string, message: string) => void faults.push(`${path}: ${message}`);
  return { value: resolveFacade(raw, index, registries, `facades[${index}]`, fail), faults };
}

test("a facade takes everything and lets everybody in unless told", () => {
  expect(facade({ url: "zookeeper://0.0.0.0" })).toEqual({
    value: {
      host: "0.0.0.0",
      port: 2181,
      registry: "one",
      take: { services: ["*"], applications: ["*"] },
      allow: [],
    },
    faults: [],
  });
});

test.each<[string, RawFacade, string[], number, string]>([
  ["the only registry stands behind every facade", { url: "zookeeper://a" }, ["one"], 3, "one"],
  ["of several registries the n-th stands behind the n-th", { url: "zookeeper://a" }, ["one", "two"], 1, "two"],
  ["a name says which", { url: "zookeeper://a", registry: "one" }, ["one", "two"], 1, "one"],
])("%s", (_, raw, registries, index, behind) => {
  expect(facade(raw, names(...registries), index)).toMatchObject({ value: { registry: behind }, faults: [] });
});

test.each<[RawFacade, string]>([
  [{ url: "eureka://a:8761/eureka" }, "facades[2].url: a facade of eureka:// is not supported yet; zookeeper:// is"],
  [
    { url: "zookeeper://a:1,b:1", registry: "one" },
    "facades[2].url: a facade listens on one address; give one facade for each",
  ],
  [
    { url: "zookeeper://u:p@a", registry: "one" },
    "facades[2].url: a facade has no credentials of its own; its clients' are passed to the registry",
  ],
  [{ url: "zookeeper://a", registry: "x" }, 'facades[2].registry: no registry is named "x"; there are one, two'],
  [
    { url: "zookeeper://a" },
    'facades[2]: there is no 3. registry for the 3. facade; name the one behind it by "registry"',
  ],
  [
    { url: "zookeeper://a", registry: "one", allow: ["10.0.0.1", "10.0.0.0/33"] },
    'facades[2].allow[1]: "10.0.0.0/33" is no address and no CIDR range such as 10.0.0.0/8',
  ],
])("%j is refused", (raw, fault) => {
  expect(facade(raw, names("one", "two"), 2).faults).toContain(fault);
});
