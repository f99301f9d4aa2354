import { expect, test } from "vitest";
import { analyzeScopes } from "../../../../../src/control/rules/analyze/scopes.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { gatewayText, rulesOf, virtualServiceText } from "../../../../support/rules.ts";

const entries = [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])];
const object = (kind: string, name: string, spec: string) =>
  `apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

function found(...texts: string[]): string[] {
  const list = createFindingList();
  analyzeScopes(rulesOf(...texts), entries, list.report);
  return list.list().map(({ code, message }) => `${code} ${message}`);
}

const PLAIN = "{number: 80, name: http, protocol: HTTP}, hosts: [X.y]";
const TLS = "{number: 80, name: https, protocol: HTTPS}, hosts: [Z.y], tls: {mode: SIMPLE, credentialName: c}";
const selecting = (name: string, selector: string, port = PLAIN) =>
  object("Gateway", name, `{selector: ${selector}, servers: [{port: ${port}}]}`);

const root = virtualServiceText("root", "[a]", "[{match: [{uri: {prefix: /a}}], delegate: {name: d}}]");
const to = "route: [{destination: {host: a}}]";

test.each([
  {
    name: "a delegate that is not there",
    texts: [root],
    findings: [
      "TR0243 route of root delegates to VirtualService default/d, which is not there, has hosts of its own or is not exported to default: the route is passed over",
    ],
  },
  {
    name: "a route of a delegate that no call can come to, and one that delegates itself",
    texts: [
      root,
      virtualServiceText("d", "[]", `[{match: [{uri: {prefix: /b}}], ${to}}, {delegate: {name: e}}, {${to}}]`),
    ],
    findings: [
      "TR0243 route of d is passed over: not each match of it lies within one of the route of root",
      "TR0243 route of d is passed over: it delegates itself, unlike the route of root",
    ],
  },
  {
    name: "a rule without hosts",
    texts: [virtualServiceText("d", "[]", `[{${to}}]`)],
    findings: ["TR0244 VirtualService d has no hosts, and no other delegates to it"],
  },
  {
    name: "two Sidecars without a selector",
    texts: [object("Sidecar", "s", "{}"), object("Sidecar", "t", "{}")],
    findings: ["TR0245 Sidecar t is for all workloads of default, as s (r.yaml:1:1) is, which holds"],
  },
  {
    name: "two Sidecars for the same labels",
    texts: ["s", "t"].map((name) => object("Sidecar", name, "{workloadSelector: {labels: {a: b}}}")),
    findings: ["TR0245 Sidecar t is for a=b of default, as s (r.yaml:1:1) is, which holds"],
  },
  {
    name: "an egress host that nothing has",
    texts: [object("Sidecar", "s", "{egress: [{hosts: ['*/com.acme.A', './com.acme.B', '~/x', './*']}]}")],
    findings: ["TR0246 egress host ./com.acme.B of Sidecar s matches no service that is known"],
  },
  {
    name: "an egress host of another namespace",
    texts: [object("Sidecar", "s", "{egress: [{hosts: ['shop/com.acme.A', 'default/com.acme.A']}]}")],
    findings: [
      "TR0246 egress host shop/com.acme.A of Sidecar s matches no service of namespace shop; those of that name are of default",
    ],
  },
  {
    name: "two Gateways of one host and port",
    texts: ["g", "h"].map((name) =>
      gatewayText(name, "[{port: {number: 80, name: http, protocol: HTTP}, hosts: [X.y]}]"),
    ),
    findings: ["TR0239 host X.y at port 80 of Gateway h is one of g too (r.yaml:6:70): callers get the routes of both"],
  },
  {
    name: "Gateways of one host and port that no proxy has together",
    texts: ["g", "h"].map((name) => selecting(name, `{app: ${name}}`)),
    findings: [],
  },
  {
    name: "Gateways of one host and port for a proxy that has both labels, and for all",
    texts: [selecting("g", "{app: a}"), selecting("h", "{app: b}"), selecting("i", "{tier: out}")],
    findings: ["TR0239 host X.y at port 80 of Gateway i is one of g too (r.yaml:4:95): callers get the routes of both"],
  },
  {
    name: "a port that is plain text on one proxy and TLS on another",
    texts: [selecting("g", "{app: a}"), selecting("h", "{app: b}", TLS)],
    findings: [],
  },
  {
    name: "a port that is plain text and TLS on a proxy that one of them has for any",
    texts: [selecting("g", "{app: a}"), selecting("h", "{}", TLS)],
    findings: [
      "TR0240 port 80 is plain text at r.yaml:4:38 already, and a port is one of both: this server is not served",
    ],
  },
  {
    name: "a selector and a WorkloadEntry that do not meet",
    texts: [
      object(
        "ServiceEntry",
        "s",
        "{hosts: [a.b], resolution: STATIC, ports: [{number: 80, name: http}], workloadSelector: {labels: {app: x}}}",
      ),
      object("WorkloadEntry", "w", "{address: 10.0.0.1, labels: {app: y}}"),
    ],
    findings: [
      "TR0252 ServiceEntry s selects app=x in namespace default, which no WorkloadEntry has: it has no endpoints",
      "TR0252 WorkloadEntry w is selected by no ServiceEntry of default",
    ],
  },
])("$name is named", ({ texts, findings }) => {
  expect(found(...texts)).toEqual(findings);
});

test("objects that fit each other are nothing to report", () => {
  expect(
    found(
      root,
      virtualServiceText("d", "[]", `[{${to}}]`),
      object("Sidecar", "s", "{}"),
      object("Sidecar", "t", "{workloadSelector: {labels: {a: b}}}"),
      object("WorkloadEntry", "w", "{address: 10.0.0.1, labels: {app: x}}"),
      object(
        "ServiceEntry",
        "s",
        "{hosts: [a.b], resolution: STATIC, ports: [{number: 80, name: http}], workloadSelector: {labels: {app: x}}}",
      ),
    ),
  ).toEqual([]);
});

test("where one proxy serves every Gateway, all are compared", () => {
  const list = createFindingList();
  const gateways = rulesOf(selecting("g", "{app: a}"), selecting("h", "{app: b}"));
  analyzeScopes(gateways, undefined, list.report, { namespace: "default", servesAllGateways: true });
  expect(list.list().map(({ code }) => code)).toEqual(["TR0239"]);
});
