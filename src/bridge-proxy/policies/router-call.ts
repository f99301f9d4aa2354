import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { callValue, type ValueOf } from "../../codecs/xds/routing.ts";
import { isOuter } from "../gateway/fields.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";

/** What is known of a call when its endpoint is chosen. */
export interface RoutedCall {
  readonly route: Pick<CompiledRoute, "targets">;
  readonly decision: HostDecision;
  readonly header: HeaderLookup;
  /** The caller's. */
  readonly address: string;
  readonly config: Pick<RuntimeConfig, "callerOf">;
  /** The caller is outside the mesh: what only the mesh says of a call is not there, whatever headers it sent, and its arguments are not read. */
  readonly isOutside?: boolean | undefined;
}

/**
 * What routers of the registry ask of a call, read now: its bytes may be gone when it is needed. Undefined where no destination of the route has such
 * routers. Throws `ProtocolError` where the call cannot be read that far.
 */
export function routedCall(call: RoutedCall): ValueOf | undefined {
  let values: Map<string, string | undefined> | undefined;
  for (const { cluster } of call.route.targets) {
    if (cluster.callKeys === undefined) continue;
    values ??= new Map();
    for (const key of cluster.callKeys) {
      if (!values.has(key)) values.set(key, valueFrom(key, call));
    }
  }
  return values && ((key) => values.get(key));
}

/** Whether routers of a route's destinations ask for arguments. */
export function asksArguments({ targets }: Pick<CompiledRoute, "targets">): boolean {
  return targets.some(({ cluster }) => cluster.callKeys?.some((key) => key.startsWith("arguments")) === true);
}

function valueFrom(key: string, { decision, header, address, config, isOutside }: RoutedCall): string | undefined {
  const { key: service } = decision.host;
  const { method } = decision;
  return callValue(key, {
    method,
    interfaceName: service.interface,
    header: isOutside === true ? (name) => (isOuter(name) ? header(name) : undefined) : header,
    address,
    caller: config.callerOf(address, service),
  });
}
