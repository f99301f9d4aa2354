import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { exportDocuments } from "../../../src/cli/export-documents.ts";
import { entryOf } from "../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../support/rules.ts";

const config = {
  naming: "trestle" as const,
  registries: [],
  mesh: { namespace: "legacy", rootNamespace: "istio-system", trustDomain: "cluster.local" },
};
const world = {
  entries: [
    entryOf("com.acme.OrderService:1.0.0", ["dubbo://10.0.0.1:20880"]),
    entryOf("shop", ["http://10.0.0.2:8080"]),
  ],
  rules: rulesOf(
    virtualServiceText(
      "orders",
      "[com.acme.OrderService]",
      "[{timeout: 1s, route: [{destination: {host: com.acme.OrderService}}]}]",
    ),
  ),
};
const read = (text: string) => parseAllDocuments(text).map((one) => one.toJS());

test.each(["serviceentry", "files"] as const)("%s has one ServiceEntry for each entry", (format) => {
  const { documents, lost } = exportDocuments(format, world, config);
  expect(documents.map(({ file }) => file)).toEqual(["com.acme.orderservice-1-0-0.yaml", "shop.yaml"]);
  expect(read(documents.map(({ text }) => text).join("---\n"))).toMatchObject([
    { kind: "ServiceEntry", spec: { hosts: ["com.acme.orderservice-1-0-0"] } },
    { kind: "ServiceEntry", spec: { hosts: ["shop"] } },
  ]);
  expect(lost).toEqual([]);
});

test("limits that are not exported are told", () => {
  const limits = "localRateLimit: {tokenBucket: {maxTokens: 1, fillInterval: 1s}}";
  const rule = `apiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: m}\nspec: {hosts: [com.acme.OrderService], ${limits}}\n`;
  const { lost } = exportDocuments("aeraki", { ...world, rules: rulesOf(rule) }, config);
  expect(lost).toEqual([expect.stringMatching(/limits of MetaRouter m are not exported/)]);
});

test("aeraki has Dubbo's services alone, their rules as MetaRouters, and tells what those lack", () => {
  const { documents, lost } = exportDocuments("aeraki", world, config);
  expect(documents.map(({ file }) => file)).toEqual([
    "com.acme.orderservice-1-0-0.yaml",
    "metarouter-com.acme.orderservice-1-0-0.yaml",
  ]);
  expect(read(documents[1]!.text)).toMatchObject([{ kind: "MetaRouter", metadata: { namespace: "legacy" } }]);
  expect(lost).toEqual([expect.stringMatching(/^.+:\d+: route orders\/0: a MetaRouter has no timeout$/)]);
});
