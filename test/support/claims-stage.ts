import { silentLogger } from "../../src/base/log.ts";
import { AuthzStats } from "../../src/bridge-proxy/authz/audit.ts";
import { KeyWaits } from "../../src/bridge-proxy/authz/key-waits.ts";
import { JWT_FILTER } from "../../src/codecs/xds/authz.ts";
import { VIRTUAL_HOST_TYPE } from "../../src/codecs/xds/resources.ts";
import type { Route } from "../../src/codecs/xds/route.ts";
import { guardedConfig } from "./guarded-routes.ts";
import { configsOf } from "./policies.ts";
import { keySet, type SigningKey, signingKey, tokenOf } from "./tokens.ts";
import { clusterName } from "./xds-fixtures.ts";

const KEY = "com.acme.A";
const [old, young] = [signingKey("ES256", "old"), signingKey("ES256", "young")];
const jwt = (...keys: SigningKey[]) =>
  `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt}\nspec: {jwtRules: [{issuer: i, jwks: '${keySet(...keys)}'}]}\n`;
const claim = (name: string, exact: string) => ({
  filter: JWT_FILTER,
  path: [{ key: "payload" }, { key: name }],
  value: { stringMatch: { exact } },
});

/** A service whose calls go one way by the claim `group: admin`, and another way otherwise; `byArgument`: where their first argument is `7`. */
export function claimsStage({ byArgument = false, policies = [] as readonly string[] } = {}) {
  const to = { cluster: clusterName(KEY) };
  const headers = byArgument ? [{ name: "dubbo-arg-0", stringMatch: { exact: "7" } }] : [];
  const routes: Route[] = [
    { name: "admin", match: { prefix: "/", headers, dynamicMetadata: [claim("group", "admin")] }, route: to },
    { name: "rest", match: { prefix: "/" }, route: to },
  ];
  const stats = new AuthzStats(silentLogger, () => 0, new KeyWaits(() => {}));
  const config = guardedConfig({ [KEY]: { policies: [jwt(old), ...policies], routes } }, stats);
  const says = (group: string, key = old) => tokenOf(key, { iss: "i", group, exp: Date.now() / 1_000 + 600 });
  return {
    stats,
    config,
    /** A token that is good, one that is not, and one by a key that is not known. */
    tokens: {
      admin: says("admin"),
      guest: says("guest"),
      bad: `${says("admin").slice(0, -6)}AAAAAA`,
      young: says("admin", young),
    },
    /** The key of the last of them comes. */
    bringKey() {
      const typedPerFilterConfig = { [JWT_FILTER]: configsOf([jwt(old, young)])![JWT_FILTER]! };
      const resource = { name: "x", domains: [], routes: [], typedPerFilterConfig };
      const resources = [{ name: "x", version: "", resource }];
      stats.takeKeys([{ typeUrl: VIRTUAL_HOST_TYPE, resources, removedResources: [] }]);
    },
  };
}
