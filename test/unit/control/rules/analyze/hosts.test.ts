import { expect, test } from "vitest";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { destinationRuleText, virtualServiceText } from "../../../../support/rules.ts";

const known = [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])];
const service = (name: string, hosts: string): string =>
  virtualServiceText(name, hosts, "[{route: [{destination: {host: com.acme.A}}]}]");

test.each([
  {
    name: "two VirtualServices for one host, in any case",
    texts: [service("a", "[com.acme.A]"), service("b", "[x, COM.acme.A]")],
    findings: [
      "TR0220 12:11 host x matches no service that is known; the rule waits for one",
      "TR0224 12:14 host com.acme.a of VirtualService b already belongs to a (r.yaml:1:1); the older wins",
    ],
  },
  {
    name: "two VirtualServices for one host, the younger for its own namespace",
    texts: [service("a", "[com.acme.A]"), service("b", "[com.acme.A]").replace("spec:", "spec:\n  exportTo: ['.']")],
    findings: [
      "TR0224 5:11 host com.acme.a of VirtualService a already belongs to b (r.yaml:8:1); the one that is for fewer callers wins",
    ],
  },
  {
    name: "two DestinationRules for one host",
    texts: [
      destinationRuleText("a", "com.acme.A", "subsets: []"),
      destinationRuleText("b", "com.acme.a", "subsets: []"),
    ],
    findings: ["TR0225 9:8 host com.acme.a of DestinationRule b already belongs to a (r.yaml:1:1); the older wins"],
  },
  {
    name: "a host that no service has",
    texts: [destinationRuleText("a", "com.acme.Gone", "subsets: []")],
    findings: ["TR0220 4:8 host com.acme.Gone matches no service that is known; the rule waits for one"],
  },
  {
    name: "a host that is a service's name without its package",
    texts: [service("a", "[A]")],
    findings: [
      'TR0220 5:11 host A matches no service that is known; the rule waits for one; did you mean "com.acme.A"?',
    ],
  },
  {
    name: "a subset defined twice",
    texts: [destinationRuleText("a", "com.acme.A", "subsets: [{name: v}, {name: v}]")],
    findings: ["TR0237 4:47 subset v of com.acme.A is defined twice; the first holds"],
  },
  {
    name: "a rule for gateways alone",
    texts: [service("a", "[com.acme.A]").replace("spec:", "spec:\n  gateways: [ingress]")],
    findings: ["TR0241 5:3 VirtualService a names gateway ingress, which is not defined"],
  },
])("$name is reported", ({ texts, findings }) => {
  expect(analyze(texts, known)).toEqual(findings);
});

test("a full host, its plain name and a wildcard are no conflict", () => {
  const entries = [entryOf("com.acme.A:1.0.0", ["dubbo://10.0.0.1:20880"])];
  const texts = [service("a", "[com.acme.a-1-0-0]"), service("b", "[com.acme.A]"), service("c", '["com.acme.*"]')];
  expect(analyze(texts, entries)).toEqual([]);
});

test("without a registry no host is unknown", () => {
  expect(analyze([service("a", "[com.acme.Gone]")])).toEqual([]);
});

test.each<[string, string, string[] | undefined, string | undefined]>([
  ["REST alone", "rest://10.0.0.1:8080", undefined, "rest"],
  ["Triple alone, where it is switched off", "tri://10.0.0.1:50051", ["dubbo"], "tri"],
  ["Triple alone", "tri://10.0.0.1:50051", undefined, undefined],
])("a rule for a service that speaks %s", (_, url, protocols, reported) => {
  const text = `TR0238 4:8 DestinationRule a has no effect on com.acme.A: its providers speak ${reported} only, which is not led through the proxy`;
  const rule = destinationRuleText("a", "com.acme.A", "subsets: []");
  expect(analyze([rule], [entryOf("com.acme.A", [url])], protocols)).toEqual(reported === undefined ? [] : [text]);
});

test("a rule for a service that consumers call past the proxy is told why", () => {
  const texts = [service("v", "[com.acme.A]"), destinationRuleText("d", "com.acme.A", "subsets: []")];
  const why = "has no effect on com.acme.A: consumers are shown its real addresses (not taken by the service filter)";
  expect(analyze(texts, known, undefined, new Map([["com.acme.A", "not taken by the service filter"]]))).toEqual([
    `TR0238 5:11 VirtualService v ${why}`,
    `TR0238 11:8 DestinationRule d ${why}`,
  ]);
});
