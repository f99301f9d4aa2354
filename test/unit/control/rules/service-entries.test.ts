import { expect, test } from "vitest";
import {
  entriesOf,
  RULES_ORIGIN,
  selectedBy,
  withServiceEntries,
} from "../../../../src/control/rules/service-entries.ts";
import type { ServiceEntry, WorkloadEntry } from "../../../../src/model/rule.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf } from "../../../support/rules.ts";

const text = (spec: string, name = "x"): string =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

const ruleOf = (spec: string): ServiceEntry => rulesOf(text(spec))[0] as ServiceEntry;

test("each host is a service whose endpoints have the port's protocol, their own ports and labels", () => {
  const rule = ruleOf(
    "{hosts: [Shop.x, shop.y], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}, {number: 90, name: g, protocol: GRPC}], endpoints: [{address: 10.0.0.2, ports: {g: 99}}, {address: 10.0.0.1, labels: {v: a}, weight: 5}]}",
  );
  const [first, second] = entriesOf(rule);
  expect(first).toMatchObject({ host: "shop.x", service: { interface: "Shop.x", group: "", version: "" } });
  expect(second).toMatchObject({ host: "shop.y" });
  expect(first!.endpoints).toMatchObject([
    { address: "10.0.0.1", port: 90, protocol: "tri", weight: 5, params: { v: "a" }, origin: RULES_ORIGIN },
    { address: "10.0.0.1", port: 8080, protocol: "http" },
    { address: "10.0.0.2", port: 99, protocol: "tri", weight: 100 },
    { address: "10.0.0.2", port: 8080, protocol: "http" },
  ]);
  expect(first!.ports).toEqual([
    { protocol: "http", port: 80 },
    { protocol: "tri", port: 90 },
  ]);
});

test("without endpoints a DNS host is the address itself", () => {
  const rule = ruleOf("{hosts: [api.example.com], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}");
  expect(entriesOf(rule)[0]!.endpoints).toMatchObject([{ address: "api.example.com", port: 80, protocol: "http" }]);
});

test("what a registry knows stays, and of two rules the first counts", () => {
  const known = entryOf("a.A", ["dubbo://10.0.0.1:1"]);
  const spec = (host: string, address: string) =>
    `{hosts: [${host}], resolution: STATIC, ports: [{number: 1, name: dubbo}], endpoints: [{address: ${address}}]}`;
  const rules = rulesOf(
    [text(spec(known.host, "1.1.1.1"), "a"), text(spec("b", "2.2.2.2"), "b"), text(spec("B", "3.3.3.3"), "c")].join(
      "---\n",
    ),
  );
  const all = withServiceEntries([known], rules);
  expect(all[0]).toBe(known);
  expect(all.slice(1).map(({ host, endpoints }) => [host, endpoints[0]?.address])).toEqual([["b", "2.2.2.2"]]);
  expect(withServiceEntries([known], rules)[1]).toBe(all[1]);
  const none = [known];
  expect(withServiceEntries(none, [])).toBe(none);
});

const workload = (name: string, spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const selecting =
  "{hosts: [shop.x], resolution: STATIC, exportTo: [.], subjectAltNames: [n], ports: [{number: 80, name: http, targetPort: 8080}], workloadSelector: {labels: {app: shop}}}";

test("WorkloadEntries that are selected are the endpoints, with locality and service account", () => {
  const rules = rulesOf(
    text(selecting),
    workload("a", "{address: 10.0.0.1, labels: {app: shop, v: a}, locality: r/z, serviceAccount: web, weight: 5}"),
    workload("b", "{address: 10.0.0.2, labels: {app: shop}, ports: {http: 81}}"),
    workload("c", "{address: 10.0.0.3, labels: {app: web}}"),
  );
  const [entry] = withServiceEntries([], rules);
  expect(entry).toMatchObject({ host: "shop.x", namespace: "default", exportTo: ["."], subjectAltNames: ["n"] });
  expect(entry!.endpoints).toMatchObject([
    {
      ...{ address: "10.0.0.1", port: 8080, weight: 5, serviceAccount: "web", params: { app: "shop", v: "a" } },
      locality: { region: "r", zone: "z", subZone: "" },
    },
    { address: "10.0.0.2", port: 81 },
  ]);
  expect(withServiceEntries([], rules)[0]).toBe(entry);
  expect(withServiceEntries([], rules.slice(0, -2))[0]).not.toBe(entry);
});

test("only WorkloadEntries of its own namespace are selected, and none without a selector", () => {
  const [rule, near, far] = rulesOf(
    text(selecting),
    workload("a", "{address: 10.0.0.1, labels: {app: shop}}"),
    workload("b", "{address: 10.0.0.2, labels: {app: shop}}").replace("{name: b}", "{name: b, namespace: far}"),
  ) as [ServiceEntry, WorkloadEntry, WorkloadEntry];
  expect(selectedBy(rule, [near, far])).toEqual([near]);
  const { workloadSelector: _, ...plain } = rule;
  expect(selectedBy(plain, [near])).toEqual([]);
});

test("an endpoint outside the mesh takes no mutual TLS of the mesh's, whatever its labels say", () => {
  const modes = (location: string) => {
    const [rule] = rulesOf(
      `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec: {hosts: [a], location: ${location}, resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 10.0.0.1, labels: {security.istio.io/tlsMode: istio, v: "1"}}]}\n`,
    );
    return entriesOf(rule as ServiceEntry)[0]!.endpoints[0]!.params;
  };
  expect(modes("MESH_INTERNAL")).toEqual({ "security.istio.io/tlsMode": "istio", v: "1" });
  expect(modes("MESH_EXTERNAL")).toEqual({ v: "1" });
});

const TWO_PORTS =
  "{hosts: [Shop.x], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}, {number: 9090, name: admin, protocol: HTTP}, {number: 90, name: g, protocol: GRPC}, {number: 91, name: h, protocol: GRPC}], endpoints: [{address: 10.0.0.1, ports: {admin: 99}}]}";

test("a further port of a protocol is an entry of its own, that has its service's name and endpoints", () => {
  const [first, ...further] = entriesOf(ruleOf(TWO_PORTS));
  expect(first!.portOf).toBeUndefined();
  expect(first!.endpoints.map(({ port, protocol }) => `${protocol} ${port}`)).toEqual(["tri 90", "http 8080"]);
  expect(first!.ports?.map(({ port }) => port)).toEqual([80, 90]);
  const shared = { portOf: "shop.x", namespace: "default" };
  expect(further).toMatchObject([
    {
      ...{ ...shared, host: "shop.x:9090", service: { interface: "Shop.x", group: "", version: "9090" } },
      endpoints: [{ address: "10.0.0.1", port: 99, protocol: "http" }],
      ports: [{ protocol: "http", port: 9090 }],
    },
    { ...shared, host: "shop.x:91", endpoints: [{ port: 91, protocol: "tri" }] },
  ]);
});

test("what a registry or an older rule knows wins with all its ports", () => {
  const one = ruleOf(TWO_PORTS);
  const known = { ...entryOf("shop.x", ["http://10.0.0.9:1"]), host: "shop.x" };
  expect(withServiceEntries([known], [one])).toEqual([known]);
  const younger = ruleOf(TWO_PORTS.replace("number: 9090", "number: 9091"));
  expect(withServiceEntries([], [one, younger]).map(({ host }) => host)).toEqual([
    "shop.x",
    "shop.x:9090",
    "shop.x:91",
  ]);
});
