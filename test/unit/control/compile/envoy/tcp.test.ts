import { describe, expect, test } from "vitest";
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
  const { ports, clusters } = tcpServices(rulesOf(DB));
  const name = "outbound|3306||db.example.com";
  expect(ports).toEqual([{ port: 3306, chains: [{ clusters: [{ name, weight: 1 }] }] }]);
  expect(clusters).toMatchObject([{ cluster: { name, resource: { type: "EDS" } } }]);
  expect(JSON.stringify(clusters[0]!.endpoints).match(/"portValue":\d+\}\}\},"loadBalancingWeight":\d+/g)).toEqual([
    '"portValue":3307}}},"loadBalancingWeight":1',
    '"portValue":3306}}},"loadBalancingWeight":5',
  ]);
});

test("one that is given by its DNS name has it in the cluster", () => {
  const [mq] = tcpServices(rulesOf(NAMED)).clusters;
  expect(mq!.endpoints).toBeUndefined();
  expect(mq!.cluster.resource).toMatchObject({ type: "STRICT_DNS" });
  expect(JSON.stringify(mq!.cluster.resource)).toContain('"address":"mq.example.com","portValue":5673');
});

test("a port is that of one service, and the same rules give the same list", () => {
  const rules = rulesOf(DB, DB.replace("name: db", "name: other").replace("db.example", "other.example"));
  expect(tcpServices(rules).clusters.map(({ cluster }) => cluster.name)).toEqual(["outbound|3306||db.example.com"]);
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

describe("routes of connections", () => {
  const secure = (name: string) =>
    rule(
      name,
      `{hosts: [${name}.example.com], resolution: STATIC, ports: [{number: 443, name: tls, protocol: TLS}], endpoints: [{address: 10.0.0.1, labels: {v: "1"}}, {address: 10.0.0.2, labels: {v: "2"}}]}`,
    );
  const subsets = `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: a.example.com, subsets: [{name: v1, labels: {v: "1"}}, {name: v2, labels: {v: "2"}}]}\n---\n`;
  const routed = (host: string, spec: string, more = "") =>
    `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec: {hosts: [${host}], ${more}${spec}}\n---\n`;
  const to = (subset: string, weight = 1) =>
    `{destination: {host: a.example.com, subset: ${subset}}, weight: ${weight}}`;
  const chainsOf = (texts: string[], client?: Parameters<typeof tcpServices>[1]) =>
    tcpServices(rulesOf(...texts), client).ports[0]!.chains.map(({ match, clusters }) => [
      match ?? "all",
      clusters.map(({ name, weight }) => `${name.split("|").slice(2).join("|")} ${weight}`).join(),
    ]);

  test("TLS services of one port are told apart by their names, and all else is the first's", () => {
    expect(chainsOf([secure("a"), secure("b")])).toEqual([
      [{ serverNames: ["a.example.com"] }, "|a.example.com 1"],
      [{ serverNames: ["b.example.com"] }, "|b.example.com 1"],
      ["all", "|a.example.com 1"],
    ]);
  });

  test("tls routes go by names, tcp routes by addresses, both by shares; what is claimed already is left out", () => {
    const tls = `tls: [{match: [{sniHosts: [x.example.com, "*.y.com"]}], route: [${to("v1")}]}, {match: [{port: 443, sniHosts: [X.example.com]}], route: [${to("v2")}]}]`;
    const tcp = `tcp: [{match: [{destinationSubnets: [10.0.0.0/8], sourceSubnet: "::1"}, {port: 99}], route: [${to("v2")}]}, {route: [${to("v1", 3)}, ${to("v2", 1)}, ${to("v3", 0)}]}, {route: [${to("v2")}]}]`;
    expect(chainsOf([secure("a"), subsets, routed("a.example.com", `${tls}, ${tcp}`)])).toEqual([
      [{ serverNames: ["x.example.com", "*.y.com"] }, "v1|a.example.com 1"],
      [
        {
          prefixRanges: [{ addressPrefix: "10.0.0.0", prefixLen: 8 }],
          sourcePrefixRanges: [{ addressPrefix: "::1", prefixLen: 128 }],
        },
        "v2|a.example.com 1",
      ],
      ["all", "v1|a.example.com 3,v2|a.example.com 1"],
    ]);
    const { clusters } = tcpServices(rulesOf(secure("a"), subsets, routed("a.example.com", tcp)));
    expect(
      clusters.map(({ cluster, endpoints }) => [
        cluster.name.split("|")[2],
        JSON.stringify(endpoints).match(/10\.0\.0\.\d/g),
      ]),
    ).toEqual([
      ["v2", ["10.0.0.2"]],
      ["v1", ["10.0.0.1"]],
      ["", ["10.0.0.1", "10.0.0.2"]],
    ]);
  });

  test("of ranges that two routes name, however they are written, the first has each: Envoy refuses two alike", () => {
    const on = (subnets: string, subset: string) =>
      `{match: [{destinationSubnets: [${subnets}]}], route: [${to(subset)}]}`;
    const tcp = `tcp: [${on("10.0.0.0/8, 11.0.0.0/8", "v1")}, ${on("10.9.9.9/8, 12.0.0.0/8", "v2")}, ${on("11.0.0.0/8", "v2")}]`;
    const ranges = (...first: number[]) => ({
      prefixRanges: first.map((one) => ({ addressPrefix: `${one}.0.0.0`, prefixLen: 8 })),
    });
    expect(chainsOf([secure("a"), subsets, routed("a.example.com", tcp)])).toEqual([
      [ranges(10, 11), "v1|a.example.com 1"],
      [ranges(12), "v2|a.example.com 1"],
      ["all", "|a.example.com 1"],
    ]);
  });

  test.each([
    ["sourceLabels: {app: shop}", true],
    ["sourceLabels: {app: other}", false],
    ["sourceNamespace: shop", true],
    ["sourceNamespace: other", false],
    ["gateways: [mesh]", true],
    ["gateways: [outside]", false],
    ["port: 443", true],
    ["port: 444", false],
  ])("a match with %s is for a client: %s", (asked, isMeant) => {
    const texts = [secure("a"), subsets, routed("a.example.com", `tcp: [{match: [{${asked}}], route: [${to("v2")}]}]`)];
    const chains = chainsOf(texts, { namespace: "shop", labels: { app: "shop" } });
    expect(chains).toEqual([["all", isMeant ? "v2|a.example.com 1" : "|a.example.com 1"]]);
  });

  test("a rule that is not exported to a client, or leaves the mesh out, routes none of its connections", () => {
    const tcp = `tcp: [{route: [${to("v2")}]}]`;
    for (const more of ["exportTo: [other], ", "gateways: [outside], "])
      expect(chainsOf([secure("a"), subsets, routed("a.example.com", tcp, more)])).toEqual([
        ["all", "|a.example.com 1"],
      ]);
  });

  test("a destination is another service by its port, or one that nobody knows", () => {
    const other = (host: string) => `tcp: [{route: [{destination: {host: ${host}}}]}]`;
    expect(chainsOf([secure("a"), DB, routed("a.example.com", other("db.example.com"))])).toEqual([
      ["all", "|db.example.com 1"],
    ]);
    expect(chainsOf([secure("a"), routed("a.example.com", other("nobody"))])).toEqual([["all", "|nobody 1"]]);
  });
});
