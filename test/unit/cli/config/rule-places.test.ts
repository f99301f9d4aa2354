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
  expect(parse(url)).toEqual({ place: { url, namespaces: [], status: true }, faults: [] });
});

test("a kubeconfig, a context, namespaces, no status", () => {
  const url = "kubernetes:///etc/kube%20config?context=east&namespace=shop,legacy,shop&status=off";
  expect(parse(url)).toEqual({
    place: { url, kubeconfig: "/etc/kube config", context: "east", namespaces: ["shop", "legacy"], status: false },
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

test("credentials are a folder, or the Secrets of one namespace", () => {
  const faults: string[] = [];
  const check = (place?: string) => checkCredentials(place, (path, message) => faults.push(`${path}: ${message}`));
  expect(check()).toEqual({});
  expect(check("./credentials")).toEqual({ credentials: "./credentials" });
  expect(check("kubernetes://?namespace=edge")).toEqual({ credentials: "kubernetes://?namespace=edge" });
  expect(faults).toEqual([]);
  check("kubernetes://?namespace=a,b");
  expect(faults).toEqual(["credentials: Secrets are read of one namespace; name one"]);
});
