import { expect, test } from "vitest";
import { type AuthzConfigs, JWT_FILTER } from "../../../../../src/codecs/xds/authz.ts";
import type { VirtualHost } from "../../../../../src/codecs/xds/route.ts";
import { tokenFilter } from "../../../../../src/control/compile/envoy/token-filter.ts";

const host = (name: string, providers?: object): VirtualHost => ({
  ...{ name, domains: [name], routes: [] },
  ...(providers && { typedPerFilterConfig: { [JWT_FILTER]: { providers } } as AuthzConfigs }),
});

test("tokens of all issuers of a port are judged and nothing is made of them; a request without one passes", () => {
  const known = {
    issuer: "i",
    localJwks: { inlineString: '{"keys": [{"kty": "RSA"}]}' },
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
          normalizePayloadInMetadata: { spaceDelimitedClaims: ["scope", "permission", "r"] },
        },
      },
      rules: [
        {
          match: { prefix: "/" },
          requires: {
            requiresAny: {
              requirements: [{ providerName: "default/jwt/0" }, { allowMissing: {} }],
            },
          },
        },
      ],
    },
  });
  expect(tokenFilter([host("c")])).toBeUndefined();
  for (const inlineString of ["{}", "[", '{"keys": [{"kty": "oct"}]}'])
    expect(tokenFilter([host("b", { "default/jwt/1": { ...late, localJwks: { inlineString } } })])).toBeUndefined();
  expect(tokenFilter([host("b", { "default/jwt/1": late })])).toBeUndefined();
});
