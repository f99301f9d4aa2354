import { expect, test } from "vitest";
import { documentNeeds } from "../../../../../src/cli/mesh/schemas/openapi-needs.ts";
import { type Entry, plainEndpoint } from "../../../../../src/model/entry.ts";
import type { RestMappingRule } from "../../../../../src/model/rule.ts";
import type { OpenapiPairing } from "../../../../../src/model/schema.ts";
import { serviceKey } from "../../../../../src/model/service.ts";
import { restMethod } from "../../../../support/rest-schema.ts";

const pairing: OpenapiPairing = { path: "/v3/api-docs", package: "a", classes: {}, methods: [] };
const place = (line: number) => ({ file: "/etc/rules/a.yaml", line, column: 1 });

function ruleOf(name: string, openapi: OpenapiPairing | undefined, line = 1): RestMappingRule {
  const methods = [restMethod("own", "GET /own", [])];
  return {
    ...{
      kind: "RestMapping",
      name: "m",
      namespace: "",
      createdAtMs: 0,
      at: { position: place(line), fields: { openapi: place(line + 5) } },
    },
    ...{ service: serviceKey(name), host: undefined, endpoints: [] },
    mapping: { methods, types: {}, dates: "iso", ...(openapi !== undefined && { openapi }) },
  } as RestMappingRule;
}

function entryOf(name: string, mapped: boolean): Entry {
  const more = { protocol: "http", weight: 100, params: {}, origin: "rules" } as const;
  const endpoints = [
    plainEndpoint({ address: "10.0.0.1", port: 80, ...more }),
    { ...plainEndpoint({ address: "10.0.0.2", port: 80, ...more }), disabled: true },
  ];
  return { host: name.toLowerCase(), service: serviceKey(name), endpoints, ...(mapped && { mapped }) };
}

test("each interface's oldest rule says which document is needed, from whom and for what", () => {
  const rules = [
    ruleOf("a.A", pairing),
    ruleOf("a.A", { ...pairing, tag: "later" }, 20),
    ruleOf("b.B", undefined),
    ruleOf("b.B", pairing),
    ruleOf("c.C", pairing),
  ];
  const entries = [entryOf("a.A", true), entryOf("c.C", false)];
  expect(documentNeeds({ rules, entries })).toEqual([
    {
      ...{ name: "a.A", pairing, file: undefined, own: ["own"], at: "/etc/rules/a.yaml:6:1" },
      endpoints: [{ address: "10.0.0.1", port: 80 }],
    },
    { name: "c.C", pairing, file: undefined, own: ["own"], at: "/etc/rules/a.yaml:6:1", endpoints: [] },
  ]);
});

test("a file stands beside the rule's own unless it is named from the root", () => {
  const files = ["shop.json", "/srv/shop.json"].map((file, i) => ruleOf(`a.A${i}`, { ...pairing, file }));
  expect(documentNeeds({ rules: files, entries: [] }).map(({ file }) => file)).toEqual([
    "/etc/rules/shop.json",
    "/srv/shop.json",
  ]);
});
