import { hostName } from "../../codecs/xds/authority.ts";
import type { HostDecision, RouteTable } from "../route.ts";

/** What a call says of where it wants to go. */
export interface PortCall {
  readonly interface: string;
  readonly group: string;
  readonly method: string;
  readonly authority: string;
}

/**
 * What is known of a call that names a further port of its service by its authority, `SERVICE:PORT`: by the service's host or its interface. An
 * authority that is another name, such as the proxy's own address, names none.
 */
export function atNamedPort(routes: RouteTable, call: PortCall): HostDecision | undefined {
  const [, port] = /:(\d{1,5})$/.exec(call.authority) ?? [];
  if (port === undefined) return undefined;
  const decision = routes.decide(call.interface, port, call.method)?.byGroup.get(call.group);
  const host = decision?.host.host ?? "";
  if (!host.endsWith(`:${port}`)) return undefined;
  const names = [host.slice(0, -port.length - 1), call.interface.toLowerCase()];
  return names.includes(hostName(call.authority)) ? decision : undefined;
}
