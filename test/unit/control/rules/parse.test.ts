import { expect, test } from "vitest";
import { MAX_FILE_BYTES, parseRules } from "../../../../src/control/rules/parse.ts";
import { destinationRuleText, shortFindings, virtualServiceText } from "../../../support/rules.ts";

const route = "[{route: [{destination: {host: com.acme.A}}]}]";

test("documents of both kinds are read in the order of the text", () => {
  const text = `${virtualServiceText("a", "[com.acme.A]", route)}---\n${destinationRuleText("b", "com.acme.A", "subsets: []")}`;
  const { rules, findings, valid } = parseRules("r.yaml", text);
  expect(rules.map(({ kind, name, namespace, createdAtMs }) => ({ kind, name, namespace, createdAtMs }))).toEqual([
    { kind: "VirtualService", name: "a", namespace: "default", createdAtMs: undefined },
    { kind: "DestinationRule", name: "b", namespace: "default", createdAtMs: undefined },
  ]);
  expect({ findings, valid }).toEqual({ findings: [], valid: true });
});

test("a rule knows where it and its fields stand", () => {
  const [rule] = parseRules("r.yaml", `# head\n${virtualServiceText("a", "[com.acme.A, b]", route)}`).rules;
  expect(rule!.at.position).toEqual({ file: "r.yaml", line: 2, column: 1 });
  expect(rule!.at.fields["hosts[1]"]).toEqual({ file: "r.yaml", line: 6, column: 23 });
});

test("what kubectl writes of an object is accepted", () => {
  const text = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
  creationTimestamp: "2024-05-06T07:08:09Z"
  generation: 3
  name: a
  namespace: shop
  resourceVersion: "17"
  uid: 0a1b
spec:
  hosts: [com.acme.A]
  http: ${route}
status: {validatedConditions: []}
`;
  const { rules, findings } = parseRules("r.yaml", text);
  expect(findings).toEqual([]);
  expect(rules[0]).toMatchObject({ namespace: "shop", createdAtMs: Date.UTC(2024, 4, 6, 7, 8, 9) });
});

test("what printers of Kubernetes' objects leave empty in metadata is as if it were not there", () => {
  const text = virtualServiceText("a", "[com.acme.A]", route).replace("}", ", creationTimestamp: null}");
  const { rules, findings } = parseRules("r.yaml", text);
  expect(findings).toEqual([]);
  expect(rules[0]!.createdAtMs).toBeUndefined();
});

test("JSON is read like YAML", () => {
  const text = JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "a" },
    spec: { host: "com.acme.A", subsets: [{ name: "v1", labels: { lane: "1" } }] },
  });
  expect(parseRules("r.json", text).rules).toMatchObject([
    { host: "com.acme.A", subsets: [{ name: "v1", labels: { lane: "1" } }] },
  ]);
});

test("lists of objects are taken apart", () => {
  const item = (name: string) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name },
    spec: { host: name },
  });
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: [item("a"), item("b")] });
  expect(parseRules("r.json", text).rules.map(({ name }) => name)).toEqual(["a", "b"]);
});

test.each(["", "---\n", "# only a note\n", "---\n---\n"])("%j holds no rule and no fault", (text) => {
  expect(parseRules("r.yaml", text)).toEqual({ rules: [], findings: [], valid: true });
});

const good = virtualServiceText("a", "[com.acme.A]", route);

test.each([
  { name: "bad indentation", text: "a: [\nb", finding: /^TR0202 2:1 flow sequence/ },
  { name: "a key given twice", text: "kind: A\nkind: B\n", finding: /^TR0202 2:1 key kind is given twice in one map/ },
  { name: "a tab", text: "a:\n\t- b", finding: /^TR0202 2:1 tabs are not allowed/ },
  {
    name: "an alias without anchor",
    text: good.replace("[com.acme.A]", "*b"),
    finding: /^TR0202 5:10 VirtualService\.spec\.hosts is \*b, but no anchor &b stands before it/,
  },
  { name: "a plain text", text: "hello", finding: /^TR0203 1:1 document is no object with apiVersion and kind/ },
  { name: "no kind", text: "apiVersion: v1", finding: /^TR0203 1:1 object has no kind/ },
  {
    name: "another API version",
    text: good.replace("io/v1", "io/v9"),
    finding: /^TR0209 1:13 apiVersion of a VirtualService must be networking\.istio\.io\/v1, v1beta1 or v1alpha3/,
  },
  {
    name: "a RestMapping of another API version",
    text: "apiVersion: trestle.io/v1\nkind: RestMapping\nmetadata: {name: a}\nspec:\n  interface: A\n  host: b\n  methods: [{name: c, http: GET /}]",
    finding: /^TR0209 1:13 apiVersion of a RestMapping must be trestle\.io\/v1alpha1/,
  },
  {
    name: "no name",
    text: good.replace("{name: a}", "{}"),
    finding: /^TR0208 3:11 VirtualService\.metadata\.name is missing/,
  },
  {
    name: "a bad time",
    text: good.replace("{name: a}", "{name: a, creationTimestamp: soon}"),
    finding: /^TR0209 3:40 VirtualService\.metadata\.creationTimestamp is "soon", which is no time/,
  },
  {
    name: "a host that is none",
    text: good.replace("[com.acme.A]", "[5]"),
    finding: /^TR0207 5:11 VirtualService\.spec\.hosts\[0\] is "5"|^TR0207 5:11 /,
  },
])("$name keeps the file's rules from use", ({ text, finding }) => {
  const parsed = parseRules("r.yaml", text);
  expect(shortFindings(parsed.findings)).toContainEqual(expect.stringMatching(finding));
  expect({ rules: parsed.rules, valid: parsed.valid }).toEqual({ rules: [], valid: false });
});

test("one wrong document keeps the rules of the others of its file from use too", () => {
  expect(parseRules("r.yaml", `${good}---\nkind: VirtualService\n`)).toMatchObject({ rules: [], valid: false });
});

test.each([
  { kind: "EnvoyFilter", code: "TR0204" },
  { kind: "Deployment", code: "TR0204" },
])("an object of kind $kind is left out and named, the rest holds", ({ kind, code }) => {
  const { rules, findings, valid } = parseRules("r.yaml", `kind: ${kind}\nspec: {}\n---\n${good}`);
  expect(findings.map((one) => `${one.code} ${one.at}`)).toEqual([`${code} r.yaml:1:7`]);
  expect({ names: rules.map(({ name }) => name), valid }).toEqual({ names: ["a"], valid: true });
});

test("a kind that is misspelt is named with the one that it may mean", () => {
  const { findings } = parseRules("r.yaml", "kind: AuthorizationPolicies\n---\nkind: virtualservice\n---\nkind: Pod\n");
  expect(findings.map(({ message }) => /; did you mean "(\w+)"/.exec(message)?.[1])).toEqual([
    "AuthorizationPolicy",
    "VirtualService",
    undefined,
  ]);
});

test("a text over the limit is not read", () => {
  const { findings, valid } = parseRules("r.yaml", " ".repeat(MAX_FILE_BYTES + 1));
  expect(findings.map(({ code }) => code)).toEqual(["TR0216"]);
  expect(valid).toBe(false);
});

test.each([
  { name: "nested lists", text: "[".repeat(200_000) },
  { name: "nested objects", text: "{a: ".repeat(50_000) },
  { name: "nested blocks", text: Array.from({ length: 3_000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n") },
])("$name too deep are a finding", ({ text }) => {
  const { findings, valid } = parseRules("r.yaml", text);
  expect(findings.length).toBeGreaterThan(0);
  expect(valid).toBe(false);
});

test.each([
  ["brackets", "["],
  ["braces", "{"],
  ["keys in braces", "{a: "],
  ["lists on one line", "- "],
  ["keys that are asked for", "? "],
])("4 MB of %s end at once", (_, piece) => {
  const began = performance.now();
  const { findings, valid } = parseRules("r.yaml", piece.repeat(MAX_FILE_BYTES / piece.length));
  expect([shortFindings(findings), valid]).toEqual([
    ["TR0202 1:1 r.yaml can't be read as YAML: it is nested too deeply"],
    false,
  ]);
  expect(performance.now() - began).toBeLessThan(2_000);
});

test("a file of many aliases is read in a time that grows with it", () => {
  const began = performance.now();
  const hosts = `[&a com.acme.A${", *a".repeat(50_000)}]`;
  expect(parseRules("r.yaml", good.replace("[com.acme.A]", hosts)).valid).toBe(true);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test.each([
  {
    name: "aliases",
    text: good.replace("[com.acme.A]", `[&a x${",*a".repeat(1_300_000)}]`),
    finding: /over 100000 aliases/,
  },
  { name: "marks of documents", text: "...\n".repeat(1_000_000), finding: /over 10000 marks of documents/ },
])("4 MB of $name are refused before anything is made of them", ({ text, finding }) => {
  const began = performance.now();
  const { valid, findings } = parseRules("r.yaml", text);
  expect([valid, findings.map(({ code }) => code)]).toEqual([false, ["TR0216"]]);
  expect(findings[0]?.message).toMatch(finding);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test("merge keys are those of kubectl: a rule may repeat what stands in another one of its document", () => {
  const http = `
    - &first
      name: first
      timeout: 1s
      route: &to [{destination: {host: com.acme.A}}]
    - {<<: *first, name: second, match: [{method: {exact: get}}]}
    - {<<: [{name: third}, *first], timeout: 2s}`;
  const { rules, findings } = parseRules("r.yaml", virtualServiceText("a", "[com.acme.A]", http));
  expect(findings).toEqual([]);
  expect(rules[0]).toMatchObject({
    http: [
      { name: "first", timeoutMs: 1_000 },
      { name: "second", timeoutMs: 1_000, match: [{ method: { value: "get" } }] },
      { name: "third", timeoutMs: 2_000, route: [{ destination: { host: "com.acme.A" } }] },
    ],
  });
});
