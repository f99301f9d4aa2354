import { expect, test } from "vitest";
import { missingCredentials } from "../../../../../src/control/rules/analyze/missing-credentials.ts";
import { rulesOf, shortFindings } from "../../../../support/rules.ts";

const gateway = (tls: string) =>
  rulesOf(
    `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  servers:\n  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: ${tls}}\n`,
  );
const found = (tls: string) =>
  shortFindings(missingCredentials(gateway(tls), [{ name: "kubernetes://api", version: "1", resource: {} } as never]));

test("a credential that is not there is named with its port, each of two", () => {
  expect(found("{mode: SIMPLE, credentialName: apj}")).toEqual([
    "TR0240 6:71 credential apj has no certificate: callers at port 443 are not answered; put tls.crt and tls.key into its folder under credentials",
  ]);
  expect(found("{mode: SIMPLE, credentialNames: [api, old]}")).toEqual([
    expect.stringMatching(/^TR0240 6:\d+ credential old /),
  ]);
});

test("one that is there, and files, are nothing to report", () => {
  expect(found("{mode: SIMPLE, credentialName: api}")).toEqual([]);
  expect(found("{mode: SIMPLE, serverCertificate: /a.pem, privateKey: /b.pem}")).toEqual([]);
});
