import type { AuthzConfigs } from "../../src/codecs/xds/authz.ts";
import { indexAuthorization } from "../../src/control/compile/authorization.ts";
import { parseRules } from "../../src/control/rules/parse.ts";
import type { Entry } from "../../src/model/entry.ts";
import { plainEndpoint } from "../../src/model/entry.ts";
import { DEFAULT_MESH } from "../../src/model/mesh.ts";
import type { Rule } from "../../src/model/rule.ts";

/** A policy as YAML; `spec` is flow YAML. */
export function policyText(
  name: string,
  spec: string,
  more: { namespace?: string; annotations?: string } = {},
): string {
  const namespace = more.namespace === undefined ? "" : `, namespace: ${more.namespace}`;
  const annotations = more.annotations === undefined ? "" : `, annotations: ${more.annotations}`;
  return `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: ${name}${namespace}${annotations}}\nspec: ${spec}\n`;
}

/** Rules of texts without faults. */
export function policiesOf(...texts: string[]): readonly Rule[] {
  const parsed = parseRules("p.yaml", texts.join("---\n"));
  if (!parsed.valid) throw new Error(parsed.findings.map(({ at, message }) => `${at} ${message}`).join("\n"));
  return parsed.rules;
}

/** The Dubbo service that policies of tests are for, at 10.0.0.1 and 10.0.0.2, ports 20880 and 20881. */
export const ORDERS: Entry = {
  host: "com.acme.orders",
  service: { interface: "com.acme.Orders", group: "", version: "" },
  endpoints: [1, 2].map((i) =>
    plainEndpoint({
      address: `10.0.0.${i}`,
      port: 20_879 + i,
      protocol: "dubbo",
      weight: 100,
      params: { app: "shop", version: `v${i}` },
      origin: "test",
    }),
  ),
};

/** An HTTP service. */
export const CART: Entry = {
  host: "cart.http",
  service: { interface: "cart", group: "", version: "" },
  endpoints: [
    plainEndpoint({ address: "10.0.0.3", port: 8080, protocol: "http", weight: 100, params: {}, origin: "test" }),
  ],
};

/** What the policies of some texts make of an entry. */
export function configsOf(texts: readonly string[], entry: Entry = ORDERS): AuthzConfigs | undefined {
  return indexAuthorization(policiesOf(...texts), DEFAULT_MESH).configsOf(entry);
}
