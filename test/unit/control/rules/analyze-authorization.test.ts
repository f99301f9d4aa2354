import { describe, expect, test } from "vitest";
import { analyzeAuthorization } from "../../../../src/control/rules/analyze-authorization.ts";
import { createFindingList } from "../../../../src/control/rules/findings.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { CART, ORDERS, policiesOf, policyText } from "../../../support/policies.ts";

function codes(text: string, entries: readonly Entry[] | undefined): string[] {
  const found = createFindingList();
  analyzeAuthorization(policiesOf(text), entries, DEFAULT_MESH, found.report);
  return found.list().map(({ code, message }) => `${code} ${message}`);
}

describe("what is said of a policy", () => {
  const rows: [string, string, readonly Entry[] | undefined, RegExp[]][] = [
    ["nothing of one that holds", policyText("p", "{rules: [{to: [{operation: {methods: [get]}}]}]}"), [ORDERS], []],
    [
      "that it is for nobody",
      policyText("p", "{}", { namespace: "other" }),
      [ORDERS],
      [/^TR0270 .*no service of namespace other/],
    ],
    [
      "nothing of whom it is for where no service is known",
      policyText("p", "{}", { namespace: "other" }),
      undefined,
      [],
    ],
    [
      "that it is for some providers alone",
      policyText("p", "{selector: {matchLabels: {version: v1}}}"),
      [ORDERS],
      [/^TR0271 .*chooses some providers/],
    ],
    ["nothing of a selector of all", policyText("p", "{selector: {matchLabels: {app: shop}}}"), [ORDERS], []],
    [
      "that a verb is no method",
      policyText("p", "{action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]}"),
      [ORDERS],
      [/^TR0273 .*method POST/],
    ],
    [
      "nothing of a verb of an HTTP service",
      policyText("p", "{rules: [{to: [{operation: {methods: [POST]}}]}]}"),
      [CART],
      [],
    ],
    [
      "that no server is asked",
      policyText("p", "{action: CUSTOM, provider: {name: opa}, rules: [{}]}"),
      [ORDERS],
      [/^TR0274 .*"opa".*are denied/],
    ],
    [
      "that no header's address is believed",
      policyText("p", "{rules: [{from: [{source: {remoteIpBlocks: [10.0.0.1]}}]}]}"),
      [ORDERS],
      [/^TR0276/],
    ],
  ];
  test.each(rows)("%s", (_, text, entries, expected) => {
    expect(codes(text, entries)).toEqual(expected.map((one) => expect.stringMatching(one)));
  });
});
