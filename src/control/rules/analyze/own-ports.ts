import type { Rule } from "../../../model/rule.ts";
import type { Report } from "../findings.ts";

/** The ports of a proxy that are no rule's, as its configuration names them. */
export interface OwnPorts {
  /** The address that it listens on. */
  readonly bind?: string;
  readonly dubbo?: readonly number[];
  readonly tri?: readonly number[];
  /** 0 or absent for none. */
  readonly httpPort?: number | undefined;
}

/** Names servers of Gateways that would listen where the proxy that serves them does so itself: that stays as it is. */
export function analyzeOwnPorts(rules: readonly Rule[], own: OwnPorts | undefined, report: Report): void {
  const ports = new Map<number, string>([
    ...(own?.dubbo ?? []).map((port) => [port, "proxy.dubbo"] as const),
    ...(own?.tri ?? []).map((port) => [port, "proxy.tri"] as const),
    ...(own?.httpPort ? [[own.httpPort, "proxy.httpPort"] as const] : []),
  ]);
  if (ports.size === 0) return;
  for (const rule of rules) {
    if (rule.kind !== "Gateway") continue;
    for (const { at, bind = own?.bind, port } of rule.servers) {
      const name = bind === own?.bind ? ports.get(port.number) : undefined;
      if (name !== undefined)
        report(
          "TR0240",
          at.fields.port ?? at.position,
          `port ${port.number} is the proxy's own (${name}): this server is not served; give it another one`,
        );
    }
  }
}
