import { expect, test } from "vitest";
import { resolveMetadata } from "../../../../src/cli/config/metadata.ts";

function metadata(url: string, auth?: { username: string; passwordEnv?: string }) {
  const faults: string[] = [];
  const fail = (path: string, message: string) => void faults.push(`${path}: ${message}`);
  const value = resolveMetadata({ url, ...(auth && { auth }) }, "metadata[0]", { SECRET: "s3" }, fail);
  return { value, faults };
}

test("a metadata centre's URL says hosts, path, namespace and group", () => {
  expect(metadata("nacos://u:p@a:1,b/base/nacos?namespace=dev&group=meta&backup=c:2")).toEqual({
    value: {
      name: "nacos-a:1",
      hosts: ["a:1", "b:8848", "c:2"],
      contextPath: "/base/nacos",
      namespace: "dev",
      group: "meta",
      username: "u",
      password: "p",
    },
    faults: [],
  });
});

test("what it leaves out is as Nacos and Dubbo have it", () => {
  const defaults = { contextPath: "/nacos", namespace: "", group: "dubbo", username: "", password: "" };
  expect(metadata("nacos://a")).toEqual({
    value: { name: "nacos-a:8848", hosts: ["a:8848"], ...defaults },
    faults: [],
  });
});

test.each([
  ["nacos://a?username=u&password=p", undefined, "u", "p"],
  ["nacos://a", { username: "u", passwordEnv: "SECRET" }, "u", "s3"],
])("the user of %s, auth %j", (url, auth, username, password) => {
  expect(metadata(url, auth)).toMatchObject({ value: { username, password }, faults: [] });
});

test.each([
  ["a:8848", undefined, 'metadata[0].url: "a:8848" is no URL of the form scheme://host:port'],
  [
    "nacos:/a?username=u&password=s3cret",
    undefined,
    'metadata[0].url: "nacos:/a?username=u&password=..." is no URL of the form scheme://host:port',
  ],
  [
    "zookeeper://a",
    undefined,
    "metadata[0].url: metadata reports in ZooKeeper are read with their registry; only those in Nacos are named here",
  ],
  ["redis://a", undefined, 'metadata[0].url: unknown scheme "redis" of a metadata centre; nacos:// is supported'],
  [
    "nacos://a?timeout=1",
    undefined,
    'metadata[0].url: unknown parameter "timeout"; known here: namespace, group, backup, username, password',
  ],
  ["nacos://a?backup=b:x", undefined, 'metadata[0].url: "b:x" in backup is no host:port'],
  [
    "nacos://a?username=u",
    { username: "v", passwordEnv: "SECRET" },
    "metadata[0].auth: credentials stand in the URL too; give them once",
  ],
])("%s is refused", (url, auth, fault) => {
  expect(metadata(url, auth).faults).toEqual([fault]);
});
