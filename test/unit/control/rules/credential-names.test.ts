import { expect, test } from "vitest";
import { credentialNames } from "../../../../src/control/rules/credential-names.ts";
import { destinationRuleText, gatewayText, rulesOf } from "../../../support/rules.ts";

test("Gateways and DestinationRules name credentials, at every level", () => {
  const servers = `[{port: {number: 443, protocol: HTTPS}, hosts: [a], tls: {credentialName: site}}, {port: {number: 80, protocol: HTTP}, hosts: [a]}]`;
  const tls = (name: string) => `tls: {mode: SIMPLE, credentialName: ${name}}`;
  const rules = rulesOf(
    gatewayText("edge", servers),
    destinationRuleText(
      "d",
      "a",
      `trafficPolicy: {${tls("whole")}, portLevelSettings: [{port: {number: 1}, ${tls("port")}}]}, subsets: [{name: v, trafficPolicy: {${tls("subset")}}}]`,
    ),
    destinationRuleText("e", "b", "trafficPolicy: {}"),
  );
  expect([...credentialNames(rules)].sort()).toEqual(["port", "site", "subset", "whole"]);
});
