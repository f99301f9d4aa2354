import { describe, expect, test } from "vitest";
import { JWT_FILTER } from "../../../../../src/codecs/xds/authz.ts";
import { isLinkLocal } from "../../../../../src/control/rules/kinds/request-authentication.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { configsOf } from "../../../../support/policies.ts";
import { shortFindings } from "../../../../support/rules.ts";

const text = (jwtRule: string) =>
  `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: r}\nspec: {jwtRules: [${jwtRule}]}\n`;
const findingsOf = (jwtRule: string) => shortFindings(parseRules("r.yaml", text(jwtRule)).findings);
const KEYS = '{"keys":[{}]}';

test("its fields become those of Envoy's filter", () => {
  const rule = `{issuer: i, audiences: [a], jwks: '${KEYS}', fromHeaders: [{name: x-token, prefix: "jwt "}], fromParams: [t], fromCookies: [c]}`;
  expect(configsOf([text(rule)])).toEqual({
    [JWT_FILTER]: {
      providers: {
        "default/r/0": {
          issuer: "i",
          audiences: ["a"],
          localJwks: { inlineString: KEYS },
          fromHeaders: [{ name: "x-token", valuePrefix: "jwt " }],
          fromParams: ["t"],
          fromCookies: ["c"],
          forward: true,
        },
      },
    },
  });
  expect(configsOf([text(rule).replace(/jwtRules: .*/, "selector: {matchLabels: {app: other}}}")])).toBeUndefined();
});

describe("keeps its file from use:", () => {
  const rows: [string, string, RegExp][] = [
    ["no issuer", `{jwks: '${KEYS}'}`, /^TR0208 .*issuer is missing/],
    ["no keys", "{issuer: i}", /^TR0208 .*needs jwks or jwksUri/],
    ["two kinds of keys", `{issuer: i, jwks: '${KEYS}', jwksUri: "https://a.b/k"}`, /^TR0213/],
    ["keys that are none", "{issuer: i, jwks: '[]'}", /^TR0209 .*no JSON Web Key Set/],
    ["a file for an address", '{issuer: i, jwksUri: "file:///etc/passwd"}', /^TR0209 .*no http or https/],
    ["a name and a password", '{issuer: i, jwksUri: "https://u:p@a.b/k"}', /^TR0209/],
    ["a cloud's metadata", '{issuer: i, jwksUri: "http://169.254.169.254/latest"}', /^TR0209 .*link-local/],
    ["a cloud's metadata in other digits", '{issuer: i, jwksUri: "http://2852039166/latest"}', /^TR0209 .*link-local/],
    ["a cloud's metadata as IPv6", '{issuer: i, jwksUri: "http://[::ffff:169.254.169.254]/"}', /^TR0209 .*link-local/],
  ];
  test.each(rows)("%s", (_, rule, finding) => {
    expect(findingsOf(rule)).toContainEqual(expect.stringMatching(finding));
  });
});

describe("keys from", () => {
  const rows: [string, RegExp | undefined][] = [
    ["https://iss.example/keys", undefined],
    ["http://iss.example/keys", /without TLS/],
    ["https://10.0.0.1/keys", /is inside/],
    ["https://localhost/keys", /is inside/],
    ["https://[::1]/keys", /is inside/],
    ["https://127.1/keys", /is inside/],
    ["https://keycloak/keys", /inner network/],
  ];
  test.each(rows)("%s: %s", (uri, expected) => {
    const found = findingsOf(`{issuer: i, jwksUri: "${uri}"}`);
    if (expected === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringMatching(/^TR0275/) && expect.stringMatching(expected)]);
  });
});

test("what a token says to callees", () => {
  const rule = `{issuer: i, jwks: '${KEYS}', outputPayloadToHeader: x, outputClaimToHeaders: [{header: a, claim: b}], spaceDelimitedClaims: [c], forwardOriginalToken: false, timeout: 3s}`;
  expect(findingsOf(rule)).toEqual([]);
  expect(configsOf([text(rule)])?.[JWT_FILTER]?.providers["default/r/0"]).toEqual({
    issuer: "i",
    localJwks: { inlineString: KEYS },
    forward: false,
    forwardPayloadHeader: "x",
    claimToHeaders: [{ headerName: "a", claimName: "b" }],
    normalizePayloadInMetadata: { spaceDelimitedClaims: ["c"] },
  });
});

describe("a header that a token may not say:", () => {
  test.each([":path", "host", "Content-Length", "dubbo-group", "a b", ""])("%j", (name) => {
    const found = findingsOf(`{issuer: i, jwks: '${KEYS}', outputPayloadToHeader: ${JSON.stringify(name)}}`);
    expect(found).toContainEqual(expect.stringMatching(/^TR02/));
  });
});

test("without keys an issuer with an address is asked where they are", () => {
  expect(findingsOf('{issuer: "https://iss.example"}')).toEqual([]);
  expect(findingsOf('{issuer: "http://10.0.0.1"}')).toEqual([expect.stringMatching(/^TR0275 .*is inside/)]);
  expect(findingsOf('{issuer: "http://169.254.169.254"}')).toContainEqual(expect.stringMatching(/^TR0208/));
});

test("link-local hosts", () => {
  expect(["169.254.1.1", "[fe80::1]", "metadata.google.internal", "10.0.0.1", "a.b"].map(isLinkLocal)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});
