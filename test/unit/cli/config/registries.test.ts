import { expect, test } from "vitest";
import {
  embeddedRegistry,
  type RawFacade,
  resolveFacade,
  resolveRegistry,
} from "../../../../src/cli/config/registries.ts";
import { FACADE_SCHEMES } from "../../../../src/cli/config/registry-schemes.ts";
import { PLAIN_SHAPING } from "../../../../src/cli/config/shaping.ts";

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
      query: { root: "/dubbo2" },
      username: "u",
      password: "p",
      shaping: PLAIN_SHAPING,
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
  ["nacos://a:8848?api=v1", 'registries[0].url: api "v1" is none of auto, grpc, http'],
  [
    "redis://a:6379",
    'registries[0].url: unknown registry scheme "redis"; zookeeper://, nacos://, eureka://, kubernetes://, file://, memory:// are supported',
  ],
  ["eureka://a?interval=0", 'registries[0].url: interval "0" is no time from 200ms to 600s, such as 5s'],
  [
    "zookeeper://a?timeout=1",
    'registries[0].url: unknown parameter "timeout"; known here: root, group, backup, services',
  ],
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

test.each([
  [{}, undefined],
  [{ hosts: "address" }, undefined],
  [{ hosts: "name" }, true],
])("a facade with %j shows names as hosts: %s", (more, expected) => {
  for (const scheme of ["zookeeper", "nacos", "eureka"] as const) {
    const { value, faults } = facade({ url: `${scheme}://a`, ...more }, [{ ...names("one")[0]!, scheme }]);
    expect([value.namesAsHosts, faults], scheme).toEqual([expected, []]);
  }
});

test("a facade takes everything and lets everybody in unless told", () => {
  expect(facade({ url: "zookeeper://0.0.0.0" })).toEqual({
    value: {
      scheme: "zookeeper",
      host: "0.0.0.0",
      port: 2181,
      registry: "one",
      take: { services: ["*"], applications: ["*"] },
      pass: { services: [], clients: [] },
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
  [
    { url: "redis://a" },
    `facades[2].url: unknown facade scheme "redis"; ${FACADE_SCHEMES.join("://, ")}:// are supported`,
  ],
  [
    { url: "nacos://a" },
    "facades[2]: there is no nacos:// registry for the facade to stand before; the embedded one is ZooKeeper's and stands only where no registry is named",
  ],
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
    'facades[2]: there is no 3. zookeeper:// registry for the 3. facade of it; name the one behind it by "registry"',
  ],
  [
    { url: "zookeeper://a", registry: "one", pass: { clients: [""] } },
    "facades[2].pass.clients[0]: give an address, a CIDR range or an application's name",
  ],
  [{ url: "eureka://a", hosts: "names" }, 'facades[2].hosts: "names" is neither address nor name'],
  [
    { url: "zookeeper://a", registry: "one", allow: ["10.0.0.1", "10.0.0.0/33"] },
    'facades[2].allow[1]: "10.0.0.0/33" is no address and no CIDR range such as 10.0.0.0/8',
  ],
])("%j is refused", (raw, fault) => {
  expect(facade(raw, names("one", "two"), 2).faults).toContain(fault);
});
