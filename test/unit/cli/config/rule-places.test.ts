import { expect, test } from "vitest";
import { checkCredentials, checkRules, isCluster, parseCluster } from "../../../../src/cli/config/rule-places.ts";

const parse = (text: string) => {
  const faults: string[] = [];
  return { place: parseCluster(text, (message) => faults.push(message)), faults };
};

test("a cluster is told from a path by its scheme", () => {
  expect(["./rules", "/etc/rules", "rules.yaml", "C:/rules"].map(isCluster)).toEqual([false, false, false, false]);
  expect(isCluster("kubernetes://")).toBe(true);
});

test("without more it is what kubectl and pods have, all namespaces, and statuses are written", () => {
  const url = "kubernetes://";
  expect(parse(url)).toEqual({ place: { url, namespaces: [], status: true, optionalPolicies: false }, faults: [] });
});

test("a kubeconfig, a context, namespaces, no status", () => {
  const url = "kubernetes:///etc/kube%20config?context=east&namespace=shop,legacy,shop&status=off&policies=optional";
  expect(parse(url)).toEqual({
    place: {
      ...{ url, kubeconfig: "/etc/kube config", context: "east", namespaces: ["shop", "legacy"], status: false },
      optionalPolicies: true,
    },
    faults: [],
  });
});

test.each([
  ["zookeeper://10.0.0.1:2181", /not from zookeeper:/],
  ["kubernetes:///%", /%XX/],
  ["kubernetes://?selector=a", /unknown parameter "selector"/],
  ["kubernetes://?namespace=", /namespace is empty/],
  ["kubernetes://?namespace=Shop", /"Shop" is no name of a namespace/],
  ["kubernetes://?status=maybe", /must be on or off/],
  ["kubernetes://?policies=none", /must be required or optional/],
])("%s is refused", (url, fault) => {
  const { faults } = parse(url);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(fault);
});

test("faults are told where they stand; paths have none", () => {
  const faults: string[] = [];
  const rules = ["./rules", "nacos://x"];
  expect(
    checkRules(
      rules,
      (i) => `rules[${i}]`,
      (path) => faults.push(path),
    ),
  ).toBe(rules);
  expect(faults).toEqual(["rules[1]"]);
});

test("credentials are a folder, or the Secrets of one namespace; readers are accounts", () => {
  const faults: string[] = [];
  const check = (place?: string, ...readers: string[]) =>
    checkCredentials(place, readers, (path, message) => faults.push(`${path}: ${message}`));
  expect(check()).toEqual({ credentialReaders: [] });
  expect(check("./credentials", "edge/gateway", "edge/*")).toEqual({
    credentials: "./credentials",
    credentialReaders: ["edge/gateway", "edge/*"],
  });
  expect(check("kubernetes://?namespace=edge")).toMatchObject({ credentials: "kubernetes://?namespace=edge" });
  expect(faults).toEqual([]);
  check("kubernetes://?namespace=a,b", "*", "a/b/c");
  check(undefined, "edge/gateway");
  expect(faults).toEqual([
    'credentialReaders[0]: "*" is no NAMESPACE/ACCOUNT or NAMESPACE/*, such as edge/gateway',
    'credentialReaders[1]: "a/b/c" is no NAMESPACE/ACCOUNT or NAMESPACE/*, such as edge/gateway',
    "credentials: Secrets are read of one namespace; name one",
    "credentialReaders: there are no credentials to be read; give credentials",
  ]);
});
