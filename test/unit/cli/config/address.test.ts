import { expect, test } from "vitest";
import { printAddress } from "../../../../src/base/address.ts";
import {
  isWildcard,
  parseAddress,
  parseAdvertised,
  parseServerUrl,
  type ServerUrl,
} from "../../../../src/cli/config/address.ts";

test.each([
  ["10.0.0.1:2181", undefined, { host: "10.0.0.1", port: 2181 }],
  ["zk.example:1", undefined, { host: "zk.example", port: 1 }],
  ["[::1]:15000", undefined, { host: "::1", port: 15_000 }],
  ["10.0.0.1", 2181, { host: "10.0.0.1", port: 2181 }],
  ["10.0.0.1", undefined, undefined],
  ["10.0.0.1:65536", undefined, undefined],
  ["10.0.0.1:-1", undefined, undefined],
  ["::1", 2181, undefined],
  ["http://10.0.0.1:15000", undefined, undefined],
  ["a b:1", undefined, undefined],
  ["", 2181, undefined],
])("%j with default port %s", (text, port, address) => {
  expect(parseAddress(text, port)).toEqual(address);
  if (address !== undefined) expect(parseAddress(printAddress(address.host, address.port))).toEqual(address);
});

test.each([
  ["10.0.0.1:20880", { protocol: "dubbo", host: "10.0.0.1", port: 20_880 }],
  ["tri://[::1]:50051", { protocol: "tri", host: "::1", port: 50_051 }],
  ["tri://10.0.0.1", undefined],
  ["dubbo://10.0.0.1:20880", undefined],
])("%j of another instance", (text, address) => {
  expect(parseAdvertised(text)).toEqual(address);
});

test("a URL is cut into its parts", () => {
  expect(parseServerUrl("zookeeper://u%40x:p%3A@a:1,[::1],b/chroot/x/?root=/dubbo&group=g", 2181)).toEqual({
    scheme: "zookeeper",
    username: "u@x",
    password: "p:",
    hosts: [
      { host: "a", port: 1 },
      { host: "::1", port: 2181 },
      { host: "b", port: 2181 },
    ],
    path: "/chroot/x",
    query: { root: "/dubbo", group: "g" },
  });
});

test.each([
  ["nacos://h:8848?username=u&password=a@b", ["h", 8848, "", "", { username: "u", password: "a@b" }]],
  ["nacos://h?password=a@b:1", ["h", 1, "", "", { password: "a@b:1" }]],
  ["nacos://h/nacos?password=a@b", ["h", 1, "", "", { password: "a@b" }]],
  ["nacos://u:p?x=y@h", ["h", 1, "u", "p?x=y", {}]],
  ["nacos://u:p?@h?group=g", ["h", 1, "u", "p?", { group: "g" }]],
])("%s has its @ where it belongs", (text, [host, port, username, password, query]) => {
  const { hosts, ...url } = parseServerUrl(text as string, 1) as ServerUrl;
  expect([hosts, url]).toMatchObject([[{ host, port }], { username, password, query }]);
});

test.each([
  ["10.0.0.1:2181", '"10.0.0.1:2181" is no URL of the form scheme://host:port'],
  ["zookeeper://", '"zookeeper://" is no URL of the form scheme://host:port'],
  ["zookeeper://a:1,:2", '":2" in "zookeeper://a:1,:2" is no host:port'],
  ["zookeeper://u:%zz@a:1", 'the credentials in "zookeeper://a:1" have a % that is no %XX; write it as %25'],
])("%s is refused with a reason", (text, reason) => {
  expect(parseServerUrl(text, 2181)).toBe(reason);
});

test.each([
  "zookeeper://u:hunter2@",
  "ZK://u:hunter2@a:1",
  "u:hunter2@a:1",
  "zookeeper://u:hunter2@a:x",
  "zookeeper://u:p/hunter2@a",
  "zookeeper://u:hunter2@2@a",
])("the reason why %s is refused has no password in it", (text) => {
  expect(parseServerUrl(text, 2181)).toEqual(expect.not.stringContaining("hunter2"));
});

test.each([
  ["0.0.0.0", true],
  ["::", true],
  ["0:0:0:0:0:0:0:0", true],
  ["10.0.0.1", false],
  ["::1", false],
  ["host", false],
])("%s stands for all addresses: %s", (host, wildcard) => {
  expect(isWildcard(host)).toBe(wildcard);
});
