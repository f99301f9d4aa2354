import { expect, test } from "vitest";
import { viewOpenApi } from "../../../../src/control/admin/openapi-view.ts";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { gatewayText, rulesOf } from "../../../support/rules.ts";

const java = { methods: [{ name: "get", parameterTypes: ["long"], returnType: "void" }], types: {} };

function resourcesOf(...gateways: string[]) {
  const entries = [entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])];
  const snapshot = createSnapshot(entries, rulesOf(...gateways), ["dubbo"], [{ name: "com.acme.A", java }]);
  return compile(snapshot, { id: "w", dubbo: [{ address: "10.0.0.5", port: 20880 }], gatewayAddress: "10.0.0.5" });
}

const exposing = (name: string, port: number, hosts: string) =>
  gatewayText(
    name,
    `[{port: {number: ${port}, protocol: HTTP}, hosts: ${hosts}}]`,
    '{trestle.io/expose: "com.acme.*"}',
  );

test("the document of the only domain needs no choice", () => {
  const view = viewOpenApi(resourcesOf(exposing("a", 80, "[api.example.com]")), undefined, undefined);
  expect(view).toMatchObject({
    document: { info: { title: "api.example.com" }, paths: { "/com.acme.A/get": { post: {} } } },
  });
});

test("of several, host and port choose", () => {
  const resources = resourcesOf(exposing("a", 80, "[a.org, b.org]"), exposing("b", 81, "[a.org]"));
  const ask = (host?: string, port?: string) => viewOpenApi(resources, host, port);
  expect(ask("B.org")).toMatchObject({ document: { info: { title: "b.org" } } });
  expect(ask("a.org", "81")).toMatchObject({ document: { info: { title: "a.org" } } });
  expect(ask("a.org")).toEqual({
    error: "several do: ask by one of host=a.org&port=80, host=b.org&port=80, host=a.org&port=81",
  });
  expect(ask("c.org")).toMatchObject({
    error: expect.stringMatching(/^no gateway takes that: ask by one of host=a\.org/),
  });
});

test("without a gateway the document is empty", () => {
  expect(viewOpenApi(undefined, undefined, undefined)).toMatchObject({ document: { paths: {} } });
  expect(viewOpenApi(resourcesOf(), "com.acme.a", undefined)).toHaveProperty("error");
});
