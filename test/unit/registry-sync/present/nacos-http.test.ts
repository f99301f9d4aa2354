import { expect, test } from "vitest";
import {
  answeredInstances,
  answeredNames,
  nacosHttpKind,
  readServiceQuery,
  withoutUdp,
} from "../../../../src/registry-sync/present/nacos-http.ts";

test.each([
  ["GET", "/v1/ns/instance/list", "instances"],
  ["GET", "/v2/ns/instance/list", "instances"],
  ["GET", "/v3/client/ns/instance/list", "instances"],
  ["GET", "/v1/ns/service/list", "names"],
  ["GET", "/v2/ns/service/list", "names"],
  ["POST", "/v1/ns/instance", "passes"],
  ["PUT", "/v1/ns/instance/beat", "passes"],
  ["DELETE", "/v1/ns/instance", "passes"],
  ["GET", "/v1/ns/operator/metrics", "passes"],
  ["POST", "/v1/cs/configs/listener", "passes"],
  ["GET", "/v1/cs/configs", "passes"],
  ["POST", "/v1/auth/login", "passes"],
  ["POST", "/v1/auth/users/login", "passes"],
  ["POST", "/v3/auth/user/login", "passes"],
  ["POST", "/v3/client/ns/instance", "passes"],
  ["GET", "/v3/client/cs/config", "passes"],
  ["GET", "/v2/cs/config", "passes"],
  ["GET", "/actuator/health", "passes"],
  ["POST", "/v1/auth/users", "refused"],
  ["GET", "/v1/console/namespaces", "refused"],
  ["PUT", "/v1/ns/operator/switches", "refused"],
  ["GET", "/v3/admin/ns/instance/list", "refused"],
  ["PUT", "/v1/ns/distro/datum", "refused"],
  ["GET", "/v1/ns/instance/../../console", "refused"],
  ["GET", "/v1/ns/instance/%2e%2e/x", "refused"],
  ["GET", "/v1/ns/instance;a=b", "refused"],
  ["GET", "//v1/ns/instance", "refused"],
  ["GET", "/", "refused"],
])("%s %s: %s", (method, path, expected) => {
  expect(nacosHttpKind(method, path)).toBe(expected);
});

test("a query of a 1.x client is read", () => {
  const query = new URLSearchParams(
    "app=unknown&serviceName=DEFAULT_GROUP%40%40orders&clusters=HZ&udpPort=50001&clientIP=127.0.0.1&healthyOnly=false&namespaceId=dev",
  );
  expect(readServiceQuery(query)).toEqual({
    ...{ namespace: "dev", groupName: "DEFAULT_GROUP", serviceName: "orders", clusters: "HZ" },
    ...{ healthyOnly: false, udpPort: 50_001 },
  });
});

test.each([
  ["nothing", "serviceName=s", { namespace: "public", groupName: "DEFAULT_GROUP", serviceName: "s", udpPort: 0 }],
  ["a group beside the name", "serviceName=s&groupName=G", { groupName: "G", serviceName: "s" }],
  ["a port that is none", "serviceName=s&udpPort=70000", { udpPort: 0 }],
  ["3.x' name for clusters", "serviceName=s&clusterName=HZ", { clusters: "HZ" }],
  ["the healthy alone", "serviceName=s&healthyOnly=true", { healthyOnly: true }],
])("a query with %s", (_name, text, expected) => {
  expect(readServiceQuery(new URLSearchParams(text))).toMatchObject(expected);
});

test.each([
  ["1.x", { name: "x", hosts: [1], lastRefTime: 5 }, [1], { name: "x", hosts: [2], lastRefTime: 5 }],
  ["2.x", { code: 0, data: { name: "x", hosts: [1] } }, [1], { code: 0, data: { name: "x", hosts: [2] } }],
  ["3.x", { code: 0, data: [1] }, [1], { code: 0, data: [2] }],
])("instances in an answer of %s", (_name, answer, hosts, changed) => {
  const found = answeredInstances(answer)!;
  expect(found.info["hosts"]).toEqual(hosts);
  expect(found.with({ ...found.info, hosts: [2] })).toEqual(changed);
});

test.each([[null], ["text"], [{}], [{ hosts: 1 }], [{ code: 0, data: null }]])("%j has no instances", (answer) => {
  expect(answeredInstances(answer)).toBeUndefined();
  expect(answeredNames(answer)).toBeUndefined();
});

test.each([
  ["1.x", { count: 1, doms: ["x"] }, { count: 2, doms: ["x", "y"] }],
  ["2.x", { code: 0, data: { count: 1, services: ["x"] } }, { code: 0, data: { count: 2, services: ["x", "y"] } }],
])("names in an answer of %s", (_name, answer, changed) => {
  const found = answeredNames(answer)!;
  expect([found.count, found.names]).toEqual([1, ["x"]]);
  expect(found.with({ count: 2, names: ["x", "y"] })).toEqual(changed);
});

test.each([
  [
    "nobody takes pushes",
    "serviceName=s&udpPort=5&clientIP=1.2.3.4",
    undefined,
    "serviceName=s&clientIP=1.2.3.4&udpPort=0",
  ],
  ["nobody asked for them", "serviceName=s", undefined, "serviceName=s"],
  [
    "we take them",
    "serviceName=s&udpPort=5&clientIP=1.2.3.4",
    { address: "10.0.0.9", port: 7 },
    "serviceName=s&clientIP=10.0.0.9&udpPort=7",
  ],
])("the registry's query when %s", (_name, query, udp, expected) => {
  expect(withoutUdp(new URLSearchParams(query), udp)).toBe(expected);
});
