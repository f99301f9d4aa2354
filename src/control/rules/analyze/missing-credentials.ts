import type { NamedResource } from "../../../codecs/xds/resources.ts";
import type { Secret } from "../../../codecs/xds/secret.ts";
import type { Finding } from "../../../model/entry.ts";
import type { Rule } from "../../../model/rule.ts";
import { secretNames } from "../../compile/gateway-tls.ts";
import { createFindingList } from "../findings.ts";

/** Names credentials of Gateways' servers that are none of the `secrets` that there are: callers who ask TLS there are not answered. */
export function missingCredentials(
  rules: readonly Rule[],
  secrets: readonly NamedResource<Secret>[],
): readonly Finding[] {
  const { report, list } = createFindingList();
  const known = new Set(secrets.map(({ name }) => name));
  for (const rule of rules) {
    if (rule.kind !== "Gateway") continue;
    for (const { tls, at, port } of rule.servers) {
      const names = tls?.credentialNames ?? (tls?.credentialName ? [tls.credentialName] : []);
      for (const name of names)
        if (!known.has(secretNames(name).certificate))
          report(
            "TR0240",
            at.fields.tls ?? at.position,
            `credential ${name} has no certificate: callers at port ${port.number} are not answered; put tls.crt and tls.key into its folder under credentials`,
          );
    }
  }
  return list();
}
