import { expect, test } from "vitest";
import { serviceEntrySpec } from "../../../../../src/control/rules/kinds/service-entry-object.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { ServiceEntry } from "../../../../../src/model/rule.ts";
import { shortFindings } from "../../../../support/rules.ts";

const text = (spec: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: x}\nspec: ${spec}\n`;

const parsed = (spec: string) => parseRules("r.yaml", text(spec));

test("Istio's fields are all known", () => {
  expect(Object.keys(serviceEntrySpec.fields)).toContain("workloadSelector");
});

test.each([
  ["protocol: HTTP", "http"],
  ["protocol: http2", "http"],
  ["protocol: GRPC", "tri"],
  ["protocol: DUBBO", "dubbo"],
  ["protocol: TCP, name: dubbo-x", "dubbo"],
  ["name: tri", "tri"],
  ["name: http-web", "http"],
])("a port of %s is carried as %s", (port, carried) => {
  const name = port.includes("name") ? "" : ", name: p";
  const { rules } = parsed(`{hosts: [a], resolution: DNS, ports: [{number: 1, ${port}${name}}]}`);
  expect(rules).toMatchObject([{ ports: [{ carried }], byName: true }]);
});

test.each([
  {
    name: "a port that is not carried",
    spec: "{hosts: [a], resolution: DNS, ports: [{number: 27, name: db, protocol: MONGO}]}",
    findings: [
      "TR0228 4:46 port 27 is left out: protocol MONGO is not carried, but by a stock Envoy as TCP; it must be HTTP, GRPC or DUBBO",
    ],
    ports: 0,
  },
  {
    name: "a second port of a protocol",
    spec: "{hosts: [a], resolution: DNS, ports: [{number: 1, name: a, protocol: HTTP}, {number: 2, name: b, protocol: HTTP}]}",
    findings: [],
    ports: 2,
  },
  {
    name: "two ports of one number",
    spec: "{hosts: [a], resolution: DNS, ports: [{number: 1, name: a, protocol: HTTP}, {number: 1, name: b, protocol: HTTP}]}",
    findings: ["TR0228 4:84 port 1 is left out: another one has its number"],
    ports: 1,
  },
  {
    name: "no resolution",
    spec: "{hosts: [a], ports: [{number: 1, name: a, protocol: HTTP}], endpoints: [{address: 10.0.0.1}]}",
    findings: [
      "TR0227 4:7 ServiceEntry.spec.resolution NONE has no meaning here: connections come to the proxy's own address, so where they were going is not known; the hosts' names are looked up, as with DNS",
    ],
    ports: 1,
  },
])("of $name is said, and the rest holds", ({ spec, findings, ports }) => {
  const { rules, valid, ...rest } = parsed(spec);
  expect([shortFindings(rest.findings), valid]).toEqual([findings, true]);
  expect((rules[0] as ServiceEntry).ports).toHaveLength(ports);
});

test.each([
  ["unix://run/x.sock", "a Unix socket is unix:// and an absolute path"],
  ["10.0.0.1:80 ", "it must be an IP address or a DNS name"],
  ["http://x", "it must be an IP address or a DNS name"],
])("the address %j keeps the file from use", (address, why) => {
  const { rules, valid, findings } = parsed(
    `{hosts: [a], resolution: STATIC, ports: [{number: 1, name: http}], endpoints: [{address: "${address}"}]}`,
  );
  expect([rules, valid]).toEqual([[], false]);
  expect(findings[0]).toMatchObject({ code: "TR0209" });
  expect(findings[0]!.message).toContain(why);
});

const HTTP = "ports: [{number: 1, name: http}]";
const NOWHERE =
  "no endpoints are listed for all names that it covers; list them with resolution STATIC or DNS, or give each name that is called as a host of its own";

test.each([
  {
    name: "a wildcard that nothing is listed for",
    spec: `{hosts: ["*.a.example", b], resolution: DYNAMIC_DNS, ${HTTP}}`,
    findings: [`TR0228 4:16 host *.a.example is left out: ${NOWHERE}`],
    holds: { hosts: ["b"], byName: true },
  },
  {
    name: "nothing but a wildcard",
    spec: `{hosts: ["*.a.example"], resolution: NONE, ${HTTP}}`,
    findings: [`TR0228 4:16 host *.a.example is left out: ${NOWHERE}`],
    holds: { hosts: [] },
  },
  {
    name: "a wildcard of calls that say no Host",
    spec: `{hosts: ["*.a.example"], resolution: STATIC, ports: [{number: 1, name: grpc}], endpoints: [{address: 10.0.0.1}]}`,
    findings: [
      "TR0228 4:16 host *.a.example is left out: calls say by HTTP's Host alone, and TLS by its name, which of its names they ask for",
    ],
    holds: { hosts: [] },
  },
  {
    name: "a wildcard with endpoints",
    spec: `{hosts: ["*.a.example"], resolution: STATIC, ${HTTP}, endpoints: [{address: 10.0.0.1}]}`,
    findings: [],
    holds: { hosts: ["*.a.example"] },
  },
  {
    name: "a name that calls go to wherever it leads",
    spec: `{hosts: [b], resolution: NONE, ${HTTP}}`,
    findings: [
      "TR0227 4:20 ServiceEntry.spec.resolution NONE has no meaning here: connections come to the proxy's own address, so where they were going is not known; the hosts' names are looked up, as with DNS",
    ],
    holds: { hosts: ["b"], byName: true },
  },
  {
    name: "a Unix socket",
    spec: `{hosts: [b], resolution: STATIC, ${HTTP}, endpoints: [{address: "unix:///run/x.sock"}]}`,
    findings: [],
    holds: { endpoints: [{ address: "unix:///run/x.sock" }] },
  },
  {
    name: "a Unix socket with ports",
    spec: `{hosts: [b], resolution: STATIC, ${HTTP}, endpoints: [{address: "unix://@x", ports: {http: 2}}]}`,
    findings: ["TR0227 4:109 a Unix socket has no ports"],
    holds: { endpoints: [{ address: "unix://@x" }] },
  },
  {
    name: "a Unix socket beside a name",
    spec: `{hosts: [b], resolution: STATIC, ${HTTP}, endpoints: [{address: "unix:///x"}, {address: c}]}`,
    findings: [
      "TR0228 4:87 endpoint unix:///x is left out: Unix sockets are for resolution STATIC, beside IP addresses alone",
    ],
    holds: { endpoints: [{ address: "c" }] },
  },
  {
    name: "a Unix socket that is looked up by DNS",
    spec: `{hosts: [b], resolution: DNS, ${HTTP}, endpoints: [{address: "unix:///x"}]}`,
    findings: [
      "TR0228 4:84 endpoint unix:///x is left out: Unix sockets are for resolution STATIC, beside IP addresses alone",
    ],
    holds: { endpoints: [] },
  },
])("with $name the file is in force", ({ spec, findings, holds }) => {
  const { rules, valid, ...rest } = parsed(spec);
  expect([shortFindings(rest.findings), valid]).toEqual([findings, true]);
  expect(rules).toMatchObject([holds]);
});

test("where the hosts that are left stand is known still", () => {
  const [rule] = parsed(`{hosts: ["*.a.example", b], resolution: DNS, ${HTTP}}`).rules;
  expect(rule!.at.fields["hosts[0]"]).toMatchObject({ line: 4, column: 31 });
});

test("a WorkloadEntry has the labels of its spec and of its metadata, which come first", () => {
  const { rules, findings } = parseRules(
    "r.yaml",
    "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: w, labels: {app: web, version: v2}}\nspec: {address: 10.0.0.2, labels: {version: v1, zone: a}}\n",
  );
  expect(shortFindings(findings)).toEqual([]);
  expect(rules).toMatchObject([{ endpoint: { labels: { app: "web", version: "v2", zone: "a" } } }]);
});
