import { expect, test } from "vitest";
import { SYSTEM_ROOTS, withRoots } from "../../../../../src/control/compile/envoy/roots.ts";
import { lowerTls } from "../../../../../src/control/rules/lower/tls.ts";
import type { ClientTls } from "../../../../../src/model/rules/destination-rule.ts";

const at = { position: { file: "f", line: 1, column: 1 }, fields: {} };
const socketOf = (tls: Omit<ClientTls, "at">) =>
  lowerTls({ at, ...tls }, { port: 1, subset: "", host: "a", subjectAltNames: [] }).transportSocket!;
const rootsOf = (tls: Omit<ClientTls, "at">) =>
  withRoots(socketOf(tls)).typedConfig?.commonTlsContext.validationContext?.trustedCa;

test("who names no roots trusts those of the Envoy's host", () => {
  expect(rootsOf({ mode: "SIMPLE" })).toEqual({ filename: SYSTEM_ROOTS });
  expect(rootsOf({ mode: "MUTUAL", clientCertificate: "/c", privateKey: "/k" })).toEqual({ filename: SYSTEM_ROOTS });
  const made = withRoots(socketOf({ mode: "SIMPLE" })).typedConfig?.commonTlsContext.validationContext;
  expect(made?.matchTypedSubjectAltNames).toEqual([{ sanType: "DNS", matcher: { exact: "a" } }]);
});

test("roots of a rule, of a secret and of the mesh stand, and so does a rule that asks for none", () => {
  expect(rootsOf({ mode: "SIMPLE", caCertificates: "/ca" })).toEqual({ filename: "/ca" });
  for (const tls of [
    { mode: "SIMPLE", insecureSkipVerify: true },
    { mode: "SIMPLE", credentialName: "c" },
    { mode: "ISTIO_MUTUAL" },
  ] as const)
    expect(withRoots(socketOf(tls))).toEqual(socketOf(tls));
});
