import { expect, test } from "vitest";
import { encodeResource } from "../../../../../src/codecs/xds/resource-bytes.ts";
import { ENDPOINT_TYPE, ROUTE_TYPE } from "../../../../../src/codecs/xds/resources.ts";
import { createCompiler } from "../../../../../src/control/compile/compiler.ts";
import { createDubboXdsCompiler } from "../../../../../src/control/compile/dubbo-xds/target.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { createSnapshot } from "../../../../../src/model/snapshot.ts";
import { entryOf } from "../../../../support/rule-cases.ts";

const services: Readonly<Record<string, readonly string[]>> = {
  "com.acme.A": [
    "dubbo://10.0.0.1:20880?application=shop",
    "tri://10.0.0.1:50051?application=shop",
    "tri://10.0.0.2:50051?application=shop",
  ],
  "com.acme.B:1.0.0": ["dubbo://10.0.0.3:20880?application=stock"],
  users: ["http://10.0.0.4:80"],
};
const RULE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [com.acme.A]
  http:
  - match: [{headers: {color: {exact: blue}}}]
    route: [{destination: {host: com.acme.B}}]
  - route: [{destination: {host: com.acme.A}}]
`;

function make() {
  const snapshot = createSnapshot(
    Object.entries(services).map(([key, urls]) => entryOf(key, urls)),
    parseRules("r.yaml", RULE).rules,
    ["dubbo", "tri", "http"],
  );
  return createDubboXdsCompiler()(createCompiler()(snapshot, { id: "any", dubbo: [] }), snapshot.entries);
}

test("a virtual host's domains are the plain names that the client looks up, each once", () => {
  const [routes] = make().types.get(ROUTE_TYPE)!;
  const { virtualHosts } = routes!.resource as { virtualHosts: { domains: string[]; routes: { match: object }[] }[] };
  expect(virtualHosts.map(({ domains }) => domains)).toEqual([
    ["shop"],
    ["stock"],
    ["com.acme.a", "com.acme.A"],
    ["com.acme.b-1-0-0", "com.acme.B"],
  ]);
});

test("an application's routes are those of its interfaces, and one to its own addresses; conditions have the old form", () => {
  const [routes] = make().types.get(ROUTE_TYPE)!;
  const { virtualHosts } = routes!.resource as { virtualHosts: { routes: object[] }[] };
  expect(virtualHosts[0]!.routes).toMatchObject([
    { match: { prefix: "/com.acme.A/", headers: [{ name: "color", exactMatch: "blue" }] } },
    { match: { prefix: "/com.acme.A/" } },
    { match: { prefix: "/" }, route: { cluster: "outbound|20880||shop" } },
  ]);
  expect(JSON.stringify(routes)).not.toContain("stringMatch");
});

test("an application has one endpoint for each address, and a name that nobody has is answered empty", () => {
  const { types, find } = make();
  const shop = types.get(ENDPOINT_TYPE)!.find(({ name }) => name === "outbound|20880||shop");
  expect(JSON.stringify(shop).match(/"address":"[^"]+","portValue":\d+/g)).toEqual([
    '"address":"10.0.0.1","portValue":20880',
    '"address":"10.0.0.2","portValue":50051',
  ]);
  expect(find!(ENDPOINT_TYPE, "nobody")).toMatchObject({ name: "nobody", resource: { clusterName: "nobody" } });
  expect(find!(ROUTE_TYPE, "nobody")).toBeUndefined();
  for (const [type, list] of types)
    for (const { resource } of list) expect(encodeResource(type, resource).length).toBeGreaterThan(0);
});
