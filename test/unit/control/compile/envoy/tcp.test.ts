import { expect, test } from "vitest";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE } from "../../../../../src/codecs/xds/resources.ts";
import { createCompiler } from "../../../../../src/control/compile/compiler.ts";
import { envoyNode } from "../../../../../src/control/compile/envoy/node.ts";
import { createEnvoyCompiler } from "../../../../../src/control/compile/envoy/target.ts";
import { tcpServices } from "../../../../../src/control/compile/envoy/tcp.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { createSnapshot } from "../../../../../src/model/snapshot.ts";
import { entryOf } from "../../../../support/rule-cases.ts";

const rule = (name: string, spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: ${spec}\n---\n`;
const rulesOf = (...texts: string[]) => parseRules("r.yaml", texts.join("")).rules;
const DB = rule(
  "db",
  "{hosts: [db.example.com], resolution: STATIC, ports: [{number: 3306, name: sql, protocol: TCP}], endpoints: [{address: 10.0.0.1, ports: {sql: 3307}}, {address: 10.0.0.2, weight: 5}]}",
);
const NAMED = rule(
  "mq",
  "{hosts: [mq.example.com], resolution: DNS, ports: [{number: 5672, name: amqp, protocol: TCP, targetPort: 5673}]}",
);

test("a TCP port of a ServiceEntry is a cluster with its endpoints", () => {
  const [db] = tcpServices(rulesOf(DB));
  expect(db).toMatchObject({
    port: 3306,
    cluster: { name: "outbound|3306||db.example.com", resource: { type: "EDS" } },
  });
  expect(JSON.stringify(db!.endpoints).match(/"portValue":\d+\}\}\},"loadBalancingWeight":\d+/g)).toEqual([
    '"portValue":3307}}},"loadBalancingWeight":1',
    '"portValue":3306}}},"loadBalancingWeight":5',
  ]);
});

test("one that is given by its DNS name has it in the cluster", () => {
  const [mq] = tcpServices(rulesOf(NAMED));
  expect(mq!.endpoints).toBeUndefined();
  expect(mq!.cluster.resource).toMatchObject({ type: "STRICT_DNS" });
  expect(JSON.stringify(mq!.cluster.resource)).toContain('"address":"mq.example.com","portValue":5673');
});

test("a port is that of one service, and the same rules give the same list", () => {
  const rules = rulesOf(DB, DB.replace("name: db", "name: other").replace("db.example", "other.example"));
  expect(tcpServices(rules).map(({ cluster }) => cluster.name)).toEqual(["outbound|3306||db.example.com"]);
  expect(tcpServices(rules)).toBe(tcpServices(rules));
});

test("a sidecar listens on ports that no call has", () => {
  const rules = rulesOf(DB, NAMED);
  const snapshot = createSnapshot([entryOf("users", ["http://10.0.0.9:5672"])], rules, ["dubbo", "tri", "http"]);
  const resources = createCompiler()(snapshot, { id: "any", dubbo: [] });
  const { set } = createEnvoyCompiler()(resources, snapshot.entries, envoyNode({}), tcpServices(rules));
  const names = (type: string) => set.types.get(type)!.map(({ name }) => name);
  expect(names(LISTENER_TYPE)).toEqual(["127.0.0.1_20880", "127.0.0.1_3306", "127.0.0.1_5672"]);
  expect(JSON.stringify(set.types.get(LISTENER_TYPE)![1])).toContain('"cluster":"outbound|3306||db.example.com"');
  expect(JSON.stringify(set.types.get(LISTENER_TYPE)![2])).toContain("http_connection_manager");
  expect(names(CLUSTER_TYPE)).toContain("outbound|5672||mq.example.com");
  expect(names(ENDPOINT_TYPE)).toContain("outbound|3306||db.example.com");
});
