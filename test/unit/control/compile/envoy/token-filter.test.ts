import { expect, test } from "vitest";
import { plainKeySet } from "../../../../../src/codecs/key-set.ts";
import { type AuthzConfigs, JWT_FILTER } from "../../../../../src/codecs/xds/authz.ts";
import type { VirtualHost } from "../../../../../src/codecs/xds/route.ts";
import { tokenFilter } from "../../../../../src/control/compile/envoy/token-filter.ts";
import { keySet, signingKey } from "../../../../support/tokens.ts";

const host = (name: string, providers?: object): VirtualHost => ({
  ...{ name, domains: [name], routes: [] },
  ...(providers && { typedPerFilterConfig: { [JWT_FILTER]: { providers } } as AuthzConfigs }),
});

const key = signingKey();

test("tokens of all issuers of a port are judged and nothing is made of them; a request without one passes", () => {
  const known = {
    issuer: "i",
    localJwks: { inlineString: keySet(key) },
    fromHeaders: [{ name: "x-token" }],
    forward: false,
  };
  const said = {
    forwardPayloadHeader: "x",
    claimToHeaders: [],
    normalizePayloadInMetadata: { spaceDelimitedClaims: ["r"] },
  };
  const late = { issuer: "late", localJwks: { inlineString: "" } };
  const made = tokenFilter([
    host("a", { "default/jwt/0": { ...known, ...said } }),
    host("b", { "default/jwt/1": late }),
    host("c"),
  ]);
  const judged = { payloadInMetadata: "payload", clearRouteCache: true, forward: true };
  expect(made).toEqual({
    name: JWT_FILTER,
    typedConfig: {
      "@type": expect.stringContaining("jwt_authn.v3.JwtAuthentication"),
      providers: {
        "default/jwt/0": {
          ...known,
          ...judged,
          localJwks: { inlineString: plainKeySet(keySet(key)) },
          normalizePayloadInMetadata: { spaceDelimitedClaims: ["scope", "permission", "r"] },
        },
        "default/jwt/1": expect.objectContaining({ issuer: "late", localJwks: { inlineString: plainKeySet("") } }),
      },
      rules: [
        {
          match: { prefix: "/" },
          requires: {
            requiresAny: {
              requirements: [
                { providerName: "default/jwt/0" },
                { providerName: "default/jwt/1" },
                { allowMissing: {} },
              ],
            },
          },
        },
      ],
    },
  });
  expect(tokenFilter([host("c")])).toBeUndefined();
});

test.each(["", "{}", "[", '{"keys": [{"kty": "oct", "k": "AAAA"}]}', '{"keys": [{"kty": "RSA"}]}'])(
  "tokens of an issuer whose keys are %j are judged by keys that nobody has",
  (inlineString) => {
    const late = { issuer: "late", localJwks: { inlineString } };
    const config = tokenFilter([host("b", { "default/jwt/1": late })])?.["typedConfig"];
    expect(config).toMatchObject({
      providers: { "default/jwt/1": { issuer: "late", localJwks: { inlineString: plainKeySet("") } } },
    });
  },
);
