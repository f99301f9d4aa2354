import type { Rule } from "../../model/rule.ts";

/** The credentials that rules name: of Gateways' ports, and of TLS to services. */
export function credentialNames(rules: readonly Rule[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const rule of rules) {
    if (rule.kind === "Gateway")
      for (const { tls } of rule.servers)
        for (const name of [tls?.credentialName, tls?.caCertCredentialName, ...(tls?.credentialNames ?? [])])
          names.add(name ?? "");
    if (rule.kind !== "DestinationRule") continue;
    for (const policy of [rule.trafficPolicy, ...rule.subsets.map(({ trafficPolicy }) => trafficPolicy)])
      for (const one of [policy, ...(policy?.portLevelSettings ?? [])]) names.add(one?.tls?.credentialName ?? "");
  }
  names.delete("");
  return names;
}
